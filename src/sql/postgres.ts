import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely';
import type { CustomTypesConfig, Pool } from 'pg';
import { InvalidInput, MltsError, Unavailable } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import { explained, type SqlConnection, type SqlUse } from './connection.ts';
import { completeSchema, holdsData, type PresentColumn } from './old-schema.ts';
import { ensureSchema, type FoundSchema, refuseOld } from './schema-check.ts';
import type { Tables } from './tables.ts';

const CONNECT_TIMEOUT_MS = 20_000;
const CONNECTIONS_OF_COMMAND = 2;
const CONNECTIONS_OF_SERVER = 10;
/** Any number of our own: who makes the tables holds this advisory lock. */
const SCHEMA_LOCK = 7_091_317;

/**
 * Opens the database of a `postgresql://` URI (`postgresql+psycopg2://` is taken too), and makes the
 * tables where there are none, as MLflow would.
 *
 * @throws InvalidInput for a URI that cannot be read, MltsError for another schema or where access is
 * denied, Unavailable where it cannot be reached.
 */
export async function openPostgres(
  uri: string,
  { isServer = false }: SqlUse = {},
): Promise<SqlConnection> {
  const explain = (error: unknown): MltsError => explainPostgresError(error, uri);
  const most = isServer ? CONNECTIONS_OF_SERVER : CONNECTIONS_OF_COMMAND;
  const database = await connectPostgres(uri, undefined, most);
  const shared = {
    uri,
    runsPerRead: 1_000,
    toFlag: (value: boolean) => value,
    isUniqueViolation: isPostgresUniqueViolation,
    explain,
  };
  try {
    return await explained({ explain }, async () => {
      const refusal = refuseOld(await prepareSchema(database, uri), uri);
      if (refusal === undefined) return { ...shared, database, searched: database, refusal };
      const script = await writeCompletion(database);
      await database.destroy();
      const readable = await connectPostgres(uri, script, most);
      return { ...shared, database: readable, searched: readable, refusal };
    });
  } catch (error) {
    await database.destroy();
    throw error;
  }
}

/** Opens a pool; each of its connections begins with `script`, and then only reads. */
export async function connectPostgres(
  uri: string,
  script?: string,
  most = CONNECTIONS_OF_COMMAND,
): Promise<Kysely<Tables>> {
  const pool = await createPool(uri, most);
  const begin = script && `${script}; set default_transaction_read_only = on`;
  const dialect = new PostgresDialect({
    pool,
    onCreateConnection: async (connection) => {
      if (begin) await connection.executeQuery(CompiledQuery.raw(begin));
    },
  });
  return new Kysely<Tables>({ dialect });
}

function prepareSchema(database: Kysely<Tables>, uri: string): Promise<string> {
  return ensureSchema(
    {
      find: () => findSchema(database),
      holdsData: () => holdsData(database),
      create: () => createSchema(database),
    },
    uri,
  );
}

/** What makes an older database readable; it is true for one connection only. */
async function writeCompletion(database: Kysely<Tables>): Promise<string> {
  const { postgresSchema } = await import('./schema/postgres.ts');
  const { rows } = await sql<PresentColumn & { schema: string }>`
    select table_schema as schema, table_name as "table", column_name as "column"
    from information_schema.columns where table_schema = current_schema()`.execute(database);
  return completeSchema(postgresSchema, rows, rows[0]?.schema ?? 'public');
}

async function createPool(uri: string, most: number): Promise<Pool> {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({
    connectionString: connectionStringOf(uri),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    max: most,
    keepAlive: true,
    application_name: 'mlts',
    types: { getTypeParser: chooseParser(pg.types) },
  });
  // A connection that breaks while nobody uses it is replaced on the next query. Where somebody does, the query
  // fails; where it breaks between two queries of a transaction, this keeps Node from ending the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

const INT8 = 20;

/** Times and steps are read as numbers; pg would give their digits, for fear of what is past 2^53. */
function chooseParser(standard: CustomTypesConfig): CustomTypesConfig['getTypeParser'] {
  return ((oid: number, format?: 'text') =>
    oid === INT8
      ? Number
      : standard.getTypeParser(oid, format)) as CustomTypesConfig['getTypeParser'];
}

/** Without SQLAlchemy's driver name, and with `sslmode` meaning what it means to libpq, so to Python. */
export function connectionStringOf(uri: string): string {
  const url = URL.parse(uri.replace(/^postgresql\+\w+:/, 'postgresql:'));
  if (url === null) {
    throw new InvalidInput(`\`${redactUrls(uri)}\` is no PostgreSQL address`, {
      hint: 'write postgresql://user:password@host:5432/database, special characters as %XX',
    });
  }
  if (url.searchParams.has('sslmode')) url.searchParams.set('uselibpqcompat', 'true');
  return url.href;
}

export async function findSchema(database: Kysely<Tables>): Promise<FoundSchema> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = current_schema() and table_type = 'BASE TABLE'`.execute(database);
  const names = rows.map(({ name }) => name);
  if (names.length === 0) return { kind: 'empty' };
  if (!names.includes('alembic_version')) return { kind: 'tables', revision: undefined };
  const row = await database.selectFrom('alembic_version').select('version_num').executeTakeFirst();
  return { kind: 'tables', revision: row?.version_num };
}

/** All tables in one transaction; of several processes that find none, one makes them. */
async function createSchema(database: Kysely<Tables>): Promise<void> {
  const { postgresSchema } = await import('./schema/postgres.ts');
  await database.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${SCHEMA_LOCK})`.execute(transaction);
    if ((await findSchema(transaction)).kind !== 'empty') return;
    await transaction.executeQuery(CompiledQuery.raw(postgresSchema));
  });
}

export function isPostgresUniqueViolation(error: unknown): boolean {
  return (error as { code?: string }).code === '23505';
}

/** PostgreSQL's codes (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
export function explainPostgresError(error: unknown, uri: string): MltsError {
  const { code = '', message } = error as { code?: string; message?: string };
  const where = redactUrls(uri);
  const said = message || code || String(error);
  const details = { cause: error };
  if (/^28/.test(code)) {
    const hint = 'check user and password; special characters in them are written as %XX';
    return new MltsError('UNAUTHENTICATED', `${where}: ${said}`, { ...details, hint });
  }
  if (code === '42501') return new MltsError('PERMISSION_DENIED', `${where}: ${said}`, details);
  if (code === '3D000') {
    const hint = 'make it first: createdb NAME';
    return new InvalidInput(`${where}: ${said}`, { ...details, hint });
  }
  if (/^22/.test(code)) return new InvalidInput(`${where}: ${said}`, details);
  return new Unavailable(`${where}: ${said}`, {
    ...details,
    hint: 'check the address, and that the database server runs and has room',
  });
}
