import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { execa } from 'execa';
import pg from 'pg';
import { askPython } from './mlflow.ts';
import { dumpSchema } from './mlflow-database.ts';
import type { RunningPostgres } from './postgres.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/databases');

/** Makes the SQLite database that this MLflow made. */
export async function loadOlderSqlite(version: string, path: string): Promise<void> {
  const file = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  file.exec(await readFile(join(FOLDER, `mlflow-${version}.sqlite.sql`), 'utf8'));
  file.close();
}

/** Makes the PostgreSQL database that this MLflow made; returns its address. */
export async function loadOlderPostgres(version: string, server: RunningPostgres): Promise<string> {
  const uri = await server.createDatabase();
  const dump = join(FOLDER, `mlflow-${version}.postgres.sql`);
  const stop = ['-v', 'ON_ERROR_STOP=1'];
  await execa(join(server.bin, 'psql'), [uri.replace('+psycopg2', ''), '-q', ...stop, '-f', dump]);
  return uri;
}

/** `mlflow db upgrade` of each, by the yardstick; one Python does them all. */
export async function upgradeWithMlflow(uris: readonly string[]): Promise<void> {
  await askPython(
    `
import sys
from click.testing import CliRunner
from mlflow.db import commands
for uri in sys.argv[1:]:
    done = CliRunner().invoke(commands, ["upgrade", uri])
    if done.exception: raise done.exception
print("{}")`,
    uris,
  );
}

/** What is in a database: definitions, and rows with their values by column, all sorted. */
export interface Contents {
  readonly definitions: unknown;
  readonly rows: Readonly<Record<string, readonly string[]>>;
}

type Row = Readonly<Record<string, unknown>>;

/** `select *` may show columns in another order, and rows too. */
function sortRows(rows: readonly Row[]): readonly string[] {
  const show = (row: Row) => Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
  return rows
    .map((row) =>
      JSON.stringify(show(row), (_key, value) => (typeof value === 'bigint' ? `${value}` : value)),
    )
    .sort();
}

/** Of jobs the time of the upgrade is left out. */
const query = (table: string) =>
  table === 'jobs' ? 'select id, job_name, status from jobs' : `select * from "${table}"`;

export function readSqliteContents(path: string): Contents {
  // Not read-only: what a killed process left half done is rolled back by whoever comes next.
  const file = new DatabaseSync(path);
  const all = (statement: string) => {
    const prepared = file.prepare(statement);
    prepared.setReadBigInts(true);
    return prepared.all() as Row[];
  };
  const found = all('select type, name, sql from sqlite_master where sql is not null');
  const tables = found.filter(({ type }) => type === 'table').map(({ name }) => String(name));
  const contents = {
    definitions: Object.fromEntries(
      found.map(({ type, name, sql }) => [`${type} ${name}`, splitDefinition(String(sql))]),
    ),
    rows: Object.fromEntries(tables.map((table) => [table, sortRows(all(query(table)))])),
  };
  file.close();
  return contents;
}

/** A definition's parts, without what SQLite does not mind. SQLAlchemy orders constraints by chance. */
function splitDefinition(sql: string): readonly string[] {
  const [head = '', ...constraints] = sql
    .toLowerCase()
    .replaceAll('"', '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([(),]) ?/g, '$1')
    .replace(/\)?;?$/, '')
    .split(/,(?=(?:constraint|foreign key|check|unique|primary key)\b)/);
  return [head, ...constraints.sort()];
}

export async function readPostgresContents(
  server: RunningPostgres,
  uri: string,
): Promise<Contents> {
  const client = new pg.Client({ connectionString: uri.replace('+psycopg2', '') });
  await client.connect();
  const { rows: tables } = await client.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  const rows: Record<string, readonly string[]> = {};
  for (const { name } of tables) rows[name] = sortRows((await client.query(query(name))).rows);
  await client.end();
  return { definitions: await dumpSchema(server, uri), rows };
}
