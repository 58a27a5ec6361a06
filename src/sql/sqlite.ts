import { dirname, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Kysely, sql } from 'kysely';
import { quotePath, unquotePath } from '../core/artifact-location.ts';
import { InvalidInput, type MltsError, Unavailable } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { readFileIdentity } from '../host/file-identity.ts';
import { makeFolder } from '../host/folders.ts';
import { explained, type SqlConnection, type SqlUse } from './connection.ts';
import { DatabaseBusy } from './node-sqlite-connection.ts';
import { createNodeSqliteDialect } from './node-sqlite-dialect.ts';
import { completeSchema, holdsData, type PresentColumn } from './old-schema.ts';
import { ensureSchema, type FoundSchema, refuseOld } from './schema-check.ts';
import { journalAhead, speakAsMlflow } from './sqlite-settings.ts';
import type { Tables } from './tables.ts';

/** MLflow waits 20 s for another writer (`PRAGMA busy_timeout`); so long and a little longer. */
export const BUSY_WAIT_MS = 30_000;

/**
 * Opens the database of a `sqlite:///` URI, and makes it where there is none, as MLflow would. A
 * relative path is taken from `context.cwd`. A command leaves the journal mode as it is: Python writes beside us.
 *
 * @throws InvalidInput for a URI without a file, MltsError for another schema or a file that is no
 * database, Unavailable where it is locked or cannot be opened.
 */
export async function openSqlite(
  uri: string,
  context: Context,
  { isServer = false }: SqlUse = {},
): Promise<SqlConnection> {
  const { path, query } = parseSqliteUri(uri, context.cwd);
  await makeFolder(dirname(path));
  const absoluteUri = `sqlite:///${quotePath(path)}${query}`;
  const explain = (error: unknown): MltsError => explainSqliteError(error, path);
  return explained({ explain }, async () => {
    const { DatabaseSync } = await import('node:sqlite');
    const file = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: true });
    speakAsMlflow(file);
    const check = stayAt(path);
    const dialect = createNodeSqliteDialect(file, BUSY_WAIT_MS, check);
    const database = new Kysely<Tables>({ dialect });
    try {
      const refusal = await prepareSchema(database, file, absoluteUri);
      const readsBeside = isServer && refusal === undefined && journalAhead(file);
      return {
        uri: absoluteUri,
        database,
        searched: readsBeside ? await openReading(path, check) : database,
        refusal,
        runsPerRead: 100,
        toFlag: Number,
        isUniqueViolation: isSqliteUniqueViolation,
        explain,
      };
    } catch (error) {
      file.close();
      throw error;
    }
  });
}

/** Only servers need it. */
async function openReading(path: string, check: () => void): Promise<Kysely<Tables>> {
  const { createReadingDialect } = await import('./reading-dialect.ts');
  const dialect = createReadingDialect({ path, waitMs: BUSY_WAIT_MS }, check);
  return new Kysely<Tables>({ dialect });
}

/**
 * Makes the check that the file is still the one at `path`: what is written to one that was moved away, or replaced
 * by a backup, nobody would find again.
 */
function stayAt(path: string): () => void {
  const opened = readFileIdentity(path);
  return () => {
    if (readFileIdentity(path) === opened) return;
    throw new Unavailable(`${path} is not the file any more that was opened`, {
      hint: 'put it back, or start mlts again to use the one that is there now',
    });
  };
}

/** Makes the tables, or makes an older database readable. Returns why nothing may be written to it. */
async function prepareSchema(
  database: Kysely<Tables>,
  file: DatabaseSync,
  uri: string,
): Promise<MltsError | undefined> {
  const revision = await ensureSchema(
    {
      find: () => findSchema(database),
      holdsData: () => holdsData(database),
      create: () => createSchema(database, file),
    },
    uri,
  );
  const refusal = refuseOld(revision, uri);
  if (refusal !== undefined) {
    const { sqliteSchema } = await import('./schema/sqlite.ts');
    const { rows } = await sql<PresentColumn>`
      select tables.name as "table", columns.name as "column"
      from sqlite_master as tables, pragma_table_info(tables.name) as columns
      where tables.type = 'table'`.execute(database);
    file.exec(completeSchema(sqliteSchema, rows, 'main'));
    file.exec('pragma query_only = on');
  }
  return refusal;
}

/**
 * SQLAlchemy's reading: three slashes, then the path, percent-decoded, up to a `?`. What follows is for
 * Python's driver: the command gets it as it is, we have no use for it.
 */
export function parseSqliteUri(uri: string, cwd: string): { path: string; query: string } {
  const [, path = '', query = ''] = /^sqlite(?:\+pysqlite)?:\/\/\/([^?]*)(.*)$/s.exec(uri) ?? [];
  if (path.startsWith('file:')) {
    throw new InvalidInput(`\`${uri}\` holds one of SQLite's own URIs, which mlts does not read`, {
      hint: 'write the path without `file:`, as in sqlite:///mlflow.db',
    });
  }
  if (path !== '' && path !== ':memory:') return { path: resolve(cwd, unquotePath(path)), query };
  throw new InvalidInput(`\`${uri}\` names no database file`, {
    hint: 'write sqlite:///mlflow.db, or sqlite:////absolute/path/mlflow.db',
  });
}

export async function findSchema(database: Kysely<Tables>): Promise<FoundSchema> {
  const tables = await sql<{ name: string }>`select name from sqlite_master where type = 'table'`
    .execute(database)
    .then(({ rows }) => rows.map(({ name }) => name));
  if (tables.length === 0) return { kind: 'empty' };
  if (!tables.includes('alembic_version')) return { kind: 'tables', revision: undefined };
  const row = await database.selectFrom('alembic_version').select('version_num').executeTakeFirst();
  return { kind: 'tables', revision: row?.version_num };
}

/** All tables in one transaction; of several processes that find an empty file, one makes them. */
async function createSchema(database: Kysely<Tables>, file: DatabaseSync): Promise<void> {
  const { sqliteSchema } = await import('./schema/sqlite.ts');
  await database.transaction().execute(async (transaction) => {
    if ((await findSchema(transaction)).kind === 'empty') file.exec(sqliteSchema);
  });
}

const UNIQUE_ERRORS = new Set([1_555, 2_067]);

export function isSqliteUniqueViolation(error: unknown): boolean {
  return UNIQUE_ERRORS.has((error as { errcode?: number }).errcode ?? 0);
}

/** SQLite's primary result codes (https://sqlite.org/rescode.html). */
export function explainSqliteError(error: unknown, path: string): MltsError {
  if (error instanceof DatabaseBusy) {
    return new Unavailable(`${path} is locked by another program`, {
      hint: 'wait for the other run, or end what holds the file (`fuser` names it)',
      cause: error,
    });
  }
  const { errcode, message } = error as { errcode?: number; message?: string };
  const { says, hint } = REASONS[(errcode ?? 0) & 0xff] ?? { says: message ?? String(error) };
  return new Unavailable(`${path}: ${says}`, { hint, cause: error });
}

const REASONS: Readonly<Record<number, { readonly says: string; readonly hint?: string }>> = {
  8: {
    says: 'the database is read-only',
    hint: 'give yourself write access to the file and its folder',
  },
  10: {
    says: 'the disk failed to read or write',
    hint: 'is the disk full, or a network drive gone?',
  },
  11: {
    says: 'the database is damaged',
    hint: 'restore a backup, or rescue it with `sqlite3 FILE .recover`',
  },
  13: { says: 'the disk is full', hint: 'free some space, then run again' },
  14: {
    says: 'the database cannot be opened',
    hint: 'check the path, and your access to file and folder',
  },
  26: {
    says: 'the file is no SQLite database',
    hint: 'name another file in MLFLOW_TRACKING_URI or MLFLOW_REGISTRY_URI',
  },
};
