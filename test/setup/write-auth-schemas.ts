/**
 * Writes `src/sql/schema/auth-*.ts` anew from databases that real MLflow makes: run
 * `node test/setup/write-auth-schemas.ts` after raising MLFLOW_VERSION, as root on Debian.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MLFLOW_VERSION } from './mlflow.ts';
import { askAuthPython, makeAuthWithMlflow } from './mlflow-auth.ts';
import { dumpSchema } from './mlflow-database.ts';
import { startPostgres } from './postgres.ts';

const OUTPUT = fileURLToPath(new URL('../../src/sql/schema/', import.meta.url));

const READ_SQLITE = `
import json, sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("select sql from sqlite_master where sql is not null order by rowid")
print(json.dumps([sql for (sql,) in rows]))
`;

const READ_REVISION = `
import json, sqlite3, sys
print(json.dumps(sqlite3.connect(sys.argv[1]).execute("select version_num from alembic_version_auth").fetchone()[0]))
`;

async function writeText(dialect: string, sql: string, revision: string): Promise<void> {
  const seed = `INSERT INTO alembic_version_auth VALUES ('${revision}');`;
  const text = `${sql}\n${seed}`.replace(/[\\`]|\$\{/g, '\\$&').trim();
  await writeFile(
    join(OUTPUT, `auth-${dialect}.ts`),
    `// Written by test/setup/write-auth-schemas.ts; do not edit.\n/** What MLflow ${MLFLOW_VERSION}'s basic-auth makes of an empty database, without its users. */\nexport const ${dialect}AuthSchema = \`\n${text}\n\`;\n`,
  );
}

const directory = await mkdtemp(join(tmpdir(), 'mlts-schema-'));
const path = join(directory, 'basic_auth.db');
await makeAuthWithMlflow(`sqlite:///${path}`);
const statements = await askAuthPython<string[]>(READ_SQLITE, [path]);
const revision = await askAuthPython<string>(READ_REVISION, [path]);
await rm(directory, { recursive: true });
await writeText('sqlite', statements.map((sql) => `${sql};`).join('\n'), revision);
const server = await startPostgres();
try {
  const uri = await server.createDatabase();
  await makeAuthWithMlflow(uri);
  await writeText('postgres', await dumpSchema(server, uri), revision);
} finally {
  await server.stop();
}
