import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';

const SQLITE_BUSY = 5;
const POLL_MS = 20;

/** Another process held the database for longer than we waited. */
export class DatabaseBusy extends Error {
  override readonly name = 'DatabaseBusy';
}

/**
 * kysely over Node's own SQLite: one connection, transactions one after the other, each `IMMEDIATE`, so
 * that a lock is waited for at its beginning and never half way. The wait is ours and not SQLite's:
 * SQLite would block the whole process, and with it the answer to Ctrl-C.
 */
export function createNodeSqliteDialect(database: DatabaseSync, waitMs: number): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new NodeSqliteDriver(new NodeSqliteConnection(database, waitMs)),
    createIntrospector: (kysely: Kysely<unknown>) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class NodeSqliteDriver implements Driver {
  readonly #connection: NodeSqliteConnection;
  #last: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  constructor(connection: NodeSqliteConnection) {
    this.#connection = connection;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    this.#release = resolve;
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#release();
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(): Promise<void> {
    this.#connection.rollBack();
  }

  async destroy(): Promise<void> {
    this.#connection.close();
  }
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #waitMs: number;

  constructor(database: DatabaseSync, waitMs: number) {
    this.#database = database;
    this.#waitMs = waitMs;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    for (const deadline = Date.now() + this.#waitMs; ; await sleep(POLL_MS)) {
      try {
        return {
          rows: readRows(this.#database.prepare(sql), parameters as SQLInputValue[]) as R[],
        };
      } catch (error) {
        if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
        if (Date.now() >= deadline) throw new DatabaseBusy(String(error));
      }
    }
  }

  // biome-ignore lint/correctness/useYield: kysely asks for it; nothing here streams
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('this SQLite dialect does not stream');
  }

  /** After some errors (a full disk) SQLite has rolled back by itself. */
  rollBack(): void {
    if (this.#database.isTransaction) this.#database.exec('rollback');
  }

  close(): void {
    this.#database.close();
  }
}

/**
 * Whole numbers as numbers, but for those past 2^53: the ids that a migrated file store brings along.
 * Reading all of them as BigInt first takes twice as long, so that is done only for what SQLite would refuse
 * to read otherwise, and for what writes, which must not be run twice.
 */
function readRows(statement: StatementSync, parameters: readonly SQLInputValue[]): unknown[] {
  statement.setReturnArrays(true);
  if (/^select\b/i.test(statement.sourceSQL)) {
    try {
      return nameValues(statement, readArrays(statement, parameters));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_OUT_OF_RANGE') throw error;
    }
  }
  statement.setReadBigInts(true);
  const rows = readArrays(statement, parameters);
  return nameValues(
    statement,
    rows.map((values) => values.map(toNumber)),
  );
}

function readArrays(
  statement: StatementSync,
  parameters: readonly SQLInputValue[],
): SQLOutputValue[][] {
  // With `setReturnArrays`, which the types do not know of.
  return statement.all(...parameters) as unknown as SQLOutputValue[][];
}

/** Objects made here cost half of those that node:sqlite makes. */
function nameValues(statement: StatementSync, rows: readonly SQLOutputValue[][]): unknown[] {
  if (rows.length === 0) return [];
  const names = statement.columns().map(({ name }) => name);
  return rows.map((values) => {
    const row: Record<string, SQLOutputValue | undefined> = {};
    for (let index = 0; index < names.length; index += 1)
      row[names[index] as string] = values[index];
    return row;
  });
}

function toNumber(value: SQLOutputValue): SQLOutputValue {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
