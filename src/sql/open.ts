import type { Context } from '../host/context.ts';
import type { SqlConnection, SqlUse } from './connection.ts';

/** Opens the database of a `sqlite:` or `postgresql:` URI; only the driver that is needed is loaded. */
export async function openSqlConnection(
  uri: string,
  context: Context,
  use: SqlUse = {},
): Promise<SqlConnection> {
  return uri.startsWith('sqlite')
    ? (await import('./sqlite.ts')).openSqlite(uri, context, use)
    : (await import('./postgres.ts')).openPostgres(uri, use);
}
