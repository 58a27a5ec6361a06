import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';

/** SQLite as kysely speaks it, by a driver that lets its users in one after the other by itself. */
export function createSqliteDialect(createDriver: () => Driver): Dialect {
  return {
    createAdapter: () => new RowByRowAdapter(),
    createDriver,
    createIntrospector: (kysely: Kysely<unknown>) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** kysely's own queue would let the next one in after the commit only. What it is for takes a `RowsQuery`. */
export class RowByRowAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** A connection whose rows come all at once. */
export abstract class WholeConnection implements DatabaseConnection {
  abstract executeQuery<R>(
    ...query: Parameters<DatabaseConnection['executeQuery']>
  ): Promise<QueryResult<R>>;

  /** SQLite in Node cannot be stopped in the middle of a query: what it finds is not waited for. */
  async cancelQuery(): Promise<void> {}

  // biome-ignore lint/correctness/useYield: kysely asks for it; nothing here streams
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('this SQLite dialect does not stream');
  }
}
