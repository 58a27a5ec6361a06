import type { DatabaseSync } from 'node:sqlite';
import type { Context } from '../host/context.ts';

export type ReadOnlyRow = Readonly<Record<string, unknown>>;

/** A database that is only looked at, whatever its schema: it is neither made, filled nor locked. */
export interface ReadOnlyDatabase {
  /** `$1` in `statement` stands for `value`. @throws MltsError with the driver's reason. */
  query(statement: string, value?: string): Promise<readonly ReadOnlyRow[]>;
  /** Alembic's revision of MLflow's tables; `empty` where there are no tables, undefined where they are not MLflow's. */
  readRevision(): Promise<string | undefined>;
  close(): Promise<void>;
}

/**
 * Opens what a `sqlite:` or `postgresql:` URI names. Connecting, and each statement, may take `timeoutMs`.
 *
 * @throws InvalidInput for a URI that cannot be read, Unavailable where there is no such database.
 */
export function openReadOnlyDatabase(
  uri: string,
  timeoutMs: number,
  context: Context,
): Promise<ReadOnlyDatabase> {
  return uri.startsWith('sqlite')
    ? openSqliteFile(uri, timeoutMs, context)
    : connectPostgres(uri, timeoutMs);
}

async function openSqliteFile(
  uri: string,
  timeoutMs: number,
  { cwd }: Context,
): Promise<ReadOnlyDatabase> {
  const { explainSqliteError, parseSqliteUri } = await import('./sqlite.ts');
  const { path } = parseSqliteUri(uri, cwd);
  const explain = (error: unknown): never => {
    throw explainSqliteError(error, path);
  };
  const { DatabaseSync } = await import('node:sqlite');
  const open = async () => new DatabaseSync(path, { readOnly: true, timeout: timeoutMs });
  const file = await open().catch(explain);
  const query: ReadOnlyDatabase['query'] = (statement, value) =>
    queryFile(file, statement, value).catch(explain);
  const tables = "select name from sqlite_master where type = 'table'";
  return {
    query,
    readRevision: () => readRevision(query, tables),
    close: async () => file.close(),
  };
}

async function queryFile(
  file: DatabaseSync,
  statement: string,
  value: string | undefined,
): Promise<readonly ReadOnlyRow[]> {
  const prepared = file.prepare(statement);
  prepared.setReadBigInts(true);
  return value === undefined ? prepared.all() : prepared.all({ $1: value });
}

async function connectPostgres(uri: string, timeoutMs: number): Promise<ReadOnlyDatabase> {
  const { connectionStringOf, explainPostgresError } = await import('./postgres.ts');
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: connectionStringOf(uri),
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    application_name: 'mlts',
  });
  // What breaks shows in the query that is waiting for it.
  client.on('error', () => {});
  const explain = (error: unknown): never => {
    throw explainPostgresError(error, uri);
  };
  await client.connect().catch(explain);
  await client.query('set default_transaction_read_only = on').catch(explain);
  const query: ReadOnlyDatabase['query'] = async (statement, value) =>
    (await client.query(statement, value === undefined ? [] : [value]).catch(explain)).rows;
  const tables = `select table_name as name from information_schema.tables
    where table_schema = current_schema() and table_type = 'BASE TABLE'`;
  return { query, readRevision: () => readRevision(query, tables), close: () => client.end() };
}

async function readRevision(
  query: ReadOnlyDatabase['query'],
  tablesStatement: string,
): Promise<string | undefined> {
  const tables = (await query(tablesStatement)).map(({ name }) => name);
  if (tables.length === 0) return 'empty';
  if (!tables.includes('alembic_version')) return undefined;
  const [row] = await query('select version_num from alembic_version');
  return row === undefined ? undefined : String(row.version_num);
}
