/**
 * Writes `src/sql/schema/*.ts` anew from databases that real MLflow makes: run
 * `node test/setup/write-schemas.ts` after raising MLFLOW_VERSION, as root on Debian.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askPython, MLFLOW_VERSION } from './mlflow.ts';
import { dumpSchema, makeWithMlflow } from './mlflow-database.ts';
import { startPostgres } from './postgres.ts';

const OUTPUT = fileURLToPath(new URL('../../src/sql/schema/', import.meta.url));

const READ_SQLITE = `
import json, sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("select sql from sqlite_master where sql is not null order by rowid")
print(json.dumps([sql for (sql,) in rows]))
`;

const READ_REVISIONS = `
import json
from alembic.script import ScriptDirectory
from mlflow.store.db.utils import _get_alembic_config
script = ScriptDirectory.from_config(_get_alembic_config(""))
print(json.dumps([revision.revision for revision in script.walk_revisions()]))
`;

const SEED = (revision: string) => `
INSERT INTO alembic_version VALUES ('${revision}');
INSERT INTO workspaces VALUES ('default', 'Default workspace for legacy resources', NULL, NULL, NULL);
`;

async function writeSqlite(revision: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'mlts-schema-'));
  const path = join(directory, 'mlflow.db');
  await makeWithMlflow(`sqlite:///${path}`);
  const statements = await askPython<string[]>(READ_SQLITE, [path]);
  await rm(directory, { recursive: true });
  await writeText('sqlite', `${statements.map((sql) => `${sql};`).join('\n')}${SEED(revision)}`);
}

async function writePostgres(revision: string): Promise<void> {
  const server = await startPostgres();
  try {
    const uri = await server.createDatabase();
    await makeWithMlflow(uri);
    const schema = restoreMembership(await dumpSchema(server, uri));
    await writeText('postgres', `${schema}${SEED(revision)}`);
  } finally {
    await server.stop();
  }
}

/** PostgreSQL prints `x IN ('a', 'b')` in a form that it would print differently the next time. */
function restoreMembership(schema: string): string {
  const printed = /\(\((\w+)\)::text = ANY \(\(ARRAY\[(.*?)\]\)::text\[\]\)\)/g;
  return schema.replace(printed, (_match, column: string, values: string) => {
    return `(${column} IN (${values.replaceAll('::character varying', '')}))`;
  });
}

async function writeText(dialect: string, sql: string): Promise<void> {
  const text = sql.replace(/[\\`]|\$\{/g, '\\$&').trim();
  await writeFile(
    join(OUTPUT, `${dialect}.ts`),
    `${HEAD}/** What MLflow ${MLFLOW_VERSION} makes of an empty database, without the default experiment. */\nexport const ${dialect}Schema = \`\n${text}\n\`;\n`,
  );
}

async function writeRevisions(revisions: readonly string[]): Promise<void> {
  const list = revisions.map((revision) => `  '${revision}',\n`).join('');
  await writeFile(
    join(OUTPUT, 'revisions.ts'),
    `${HEAD}/** The version of MLflow whose databases mlts reads and writes. */\nexport const SCHEMA_VERSION = '${MLFLOW_VERSION}';\n\n/** Alembic's revisions up to that version, the newest first. */\nexport const revisions: readonly string[] = [\n${list}];\n`,
  );
}

const HEAD = '// Written by test/setup/write-schemas.ts; do not edit.\n';

const found = await askPython<string[]>(READ_REVISIONS);
await writeRevisions(found);
await writeSqlite(found[0] ?? '');
await writePostgres(found[0] ?? '');
