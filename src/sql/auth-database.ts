import { dirname } from 'node:path';
import { CompiledQuery, type Generated, Kysely, sql, type Transaction } from 'kysely';
import { MltsError } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import type { Context } from '../host/context.ts';
import { makeFolder } from '../host/folders.ts';
import { explained } from './connection.ts';
import { createNodeSqliteDialect } from './node-sqlite-dialect.ts';
import { SCHEMA_VERSION } from './schema/revisions.ts';
import {
  BUSY_WAIT_MS,
  explainSqliteError,
  isSqliteUniqueViolation,
  parseSqliteUri,
} from './sqlite.ts';
import type { Flag } from './tables.ts';

/** Alembic's newest revision of MLflow's auth tables (`mlflow/server/auth/db/migrations`). */
const REVISION = 'f1a2b3c4d5e6';
const CONNECTIONS = 10;
/** Any number of our own: who makes the tables holds this advisory lock. */
const SCHEMA_LOCK = 7_091_318;

interface Owned {
  user_id: number;
}

/** MLflow's tables for users and roles (`mlflow/server/auth/db/models.py`), and one of ours. */
export interface AuthTables {
  alembic_version_auth: { version_num: string };
  users: {
    id: Generated<number>;
    username: string;
    password_hash: string;
    is_admin: Flag;
  };
  roles: { id: Generated<number>; name: string; workspace: string; description: string | null };
  role_permissions: {
    id: Generated<number>;
    role_id: number;
    resource_type: string;
    resource_pattern: string;
    permission: string;
  };
  user_role_assignments: { id: Generated<number>; user_id: number; role_id: number };
  mlts_tokens: {
    id: Generated<number>;
    user_id: number;
    name: string;
    token_hash: string;
    created_ms: number;
    expires_ms: number | null;
  };
  experiment_permissions: Owned;
  registered_model_permissions: Owned;
  scorer_permissions: Owned;
  gateway_secret_permissions: Owned;
  gateway_endpoint_permissions: Owned;
  gateway_model_definition_permissions: Owned;
  workspace_permissions: Owned;
}

export type AuthTransaction = Transaction<AuthTables>;
export type AuthQueries = Kysely<AuthTables>;

export interface AuthConnection {
  readonly uri: string;
  readonly database: AuthQueries;
  toFlag(value: boolean): Flag;
  isUniqueViolation(error: unknown): boolean;
  /** Says a driver's error in our words. */
  explain(error: unknown): MltsError;
}

/**
 * Opens the database that MLflow's `basic-auth` keeps its users in, and makes it where there is none; it may be
 * the one with the runs.
 *
 * @throws MltsError where an older or newer MLflow made its tables, Unavailable where it cannot be opened.
 */
export async function openAuthDatabase(uri: string, context: Context): Promise<AuthConnection> {
  const connection = uri.startsWith('sqlite')
    ? await openSqlite(uri, context)
    : await openPostgres(uri);
  try {
    await explained(connection, () => prepare(connection));
    return connection;
  } catch (error) {
    await connection.database.destroy();
    throw error;
  }
}

async function openSqlite(uri: string, { cwd }: Context): Promise<AuthConnection> {
  const { path } = parseSqliteUri(uri, cwd);
  await makeFolder(dirname(path));
  const explain = (error: unknown): MltsError => explainSqliteError(error, path);
  return explained({ explain }, async () => {
    const { DatabaseSync } = await import('node:sqlite');
    const file = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: true });
    const database = new Kysely<AuthTables>({
      dialect: createNodeSqliteDialect(file, BUSY_WAIT_MS),
    });
    return { uri, database, toFlag: Number, isUniqueViolation: isSqliteUniqueViolation, explain };
  });
}

async function openPostgres(uri: string): Promise<AuthConnection> {
  const { connectPostgres, explainPostgresError, isPostgresUniqueViolation } = await import(
    './postgres.ts'
  );
  const database = await connectPostgres(uri, undefined, CONNECTIONS);
  return {
    uri,
    database: database as unknown as AuthQueries,
    toFlag: (value) => value,
    isUniqueViolation: isPostgresUniqueViolation,
    explain: (error) => explainPostgresError(error, uri),
  };
}

/** All tables in one transaction; of several processes that find none, one makes them. */
async function prepare({ database, uri }: AuthConnection): Promise<void> {
  const isSqlite = uri.startsWith('sqlite');
  await database.transaction().execute(async (transaction) => {
    if (!isSqlite) await sql`select pg_advisory_xact_lock(${SCHEMA_LOCK})`.execute(transaction);
    const tables = await listTables(transaction, isSqlite);
    if (!tables.includes('users')) {
      await runScript(transaction, isSqlite, await readSchema(isSqlite));
    } else {
      requireNewest(await findRevision(transaction, tables), uri);
    }
    await runScript(transaction, isSqlite, isSqlite ? SQLITE_TOKENS : POSTGRES_TOKENS);
  });
}

async function listTables(queries: AuthQueries, isSqlite: boolean): Promise<readonly string[]> {
  const { rows } = isSqlite
    ? await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(
        queries,
      )
    : await sql<{ name: string }>`select table_name as name from information_schema.tables
        where table_schema = current_schema()`.execute(queries);
  return rows.map(({ name }) => name);
}

async function findRevision(
  queries: AuthQueries,
  tables: readonly string[],
): Promise<string | undefined> {
  if (!tables.includes('alembic_version_auth')) return undefined;
  const row = await queries.selectFrom('alembic_version_auth').selectAll().executeTakeFirst();
  return row?.version_num;
}

function requireNewest(revision: string | undefined, uri: string): void {
  if (revision === REVISION) return;
  const shown = redactUrls(uri);
  throw new MltsError(
    'INVALID_STATE',
    `the users in ${shown} were written by another MLflow than ${SCHEMA_VERSION} (schema ${revision ?? 'unknown'}, not ${REVISION})`,
    {
      hint: `back it up, then run: python -m mlflow.server.auth db upgrade --url ${shown} (mlflow[auth]==${SCHEMA_VERSION})`,
    },
  );
}

async function readSchema(isSqlite: boolean): Promise<string> {
  return isSqlite
    ? (await import('./schema/auth-sqlite.ts')).sqliteAuthSchema
    : (await import('./schema/auth-postgres.ts')).postgresAuthSchema;
}

/** PostgreSQL takes many statements at once, SQLite's prepared ones only the first. */
async function runScript(queries: AuthQueries, isSqlite: boolean, script: string): Promise<void> {
  const statements = isSqlite ? script.split(/;\n(?!end)/) : [script];
  for (const statement of statements) {
    if (statement.trim() !== '') await queries.executeQuery(CompiledQuery.raw(statement));
  }
}

const TOKENS = (id: string, user: string): string => `
create table if not exists mlts_tokens (
  id ${id} primary key,
  user_id integer not null${user},
  name varchar(255) not null,
  token_hash varchar(64) not null unique,
  created_ms bigint not null,
  expires_ms bigint,
  constraint mlts_tokens_name unique (user_id, name)
)`;

/** SQLite gives the id of a deleted user again: its tokens must go with it, whoever deletes it. */
const SQLITE_TOKENS = `${TOKENS('integer', '')};
create trigger if not exists mlts_tokens_of_deleted after delete on users begin
  delete from mlts_tokens where user_id = old.id;
end;
`;

const POSTGRES_TOKENS = TOKENS('serial', ' references users (id) on delete cascade');
