/**
 * Writes `fixtures/databases/*.sql` anew: databases that older MLflow versions made and filled, as SQL. Run
 * `node test/setup/write-databases.ts`, as root on Debian; each version is installed into the test cache.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { askPython } from './mlflow.ts';
import { fillWithOlderMlflow, OLDER_VERSIONS } from './older-mlflow.ts';
import { type RunningPostgres, startPostgres } from './postgres.ts';

const OUTPUT = join(import.meta.dirname, '../../fixtures/databases');
/** PostgreSQL's are larger; the revisions between these differ by the same steps. */
const ON_POSTGRES = ['2.0.1', '2.14.3', '3.4.0', '3.9.0'];

const DUMP_SQLITE = `
import json, sqlite3, sys
print(json.dumps(list(sqlite3.connect(sys.argv[1]).iterdump())))
`;

async function dumpSqlite(version: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'mlts-database-'));
  const path = join(directory, 'mlflow.db');
  await fillWithOlderMlflow(version, `sqlite:///${path}`);
  const statements = await askPython<string[]>(DUMP_SQLITE, [path]);
  await rm(directory, { recursive: true });
  await writeDump(version, 'sqlite', statements.join('\n'));
}

async function dumpPostgres(version: string, server: RunningPostgres): Promise<void> {
  const uri = await server.createDatabase();
  await fillWithOlderMlflow(version, uri);
  const { stdout } = await execa(join(server.bin, 'pg_dump'), [
    uri.replace('+psycopg2', ''),
    ...['--inserts', '--no-owner', '--no-privileges', '--no-comments'],
  ]);
  const lines = stdout.split('\n').filter((line) => !/^(--|SET |\\|$)/.test(line));
  await writeDump(version, 'postgres', lines.join('\n'));
}

async function writeDump(version: string, dialect: string, sql: string): Promise<void> {
  const head = `-- Made by MLflow ${version} and fill.py: see test/setup/write-databases.ts.`;
  // A line that ends with a space is one that editors change.
  const text = sql.replaceAll(/ +$/gm, '');
  await writeFile(join(OUTPUT, `mlflow-${version}.${dialect}.sql`), `${head}\n${text}\n`);
}

const server = await startPostgres();
try {
  for (const version of OLDER_VERSIONS) {
    await dumpSqlite(version);
    if (ON_POSTGRES.includes(version)) await dumpPostgres(version, server);
    console.log(version);
  }
} finally {
  await server.stop();
}
