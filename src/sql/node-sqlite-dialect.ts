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
const MOST_PREPARED = 300;
const LONGEST_PREPARED = 20_000;

interface Prepared {
  readonly statement: StatementSync;
  /** A SELECT may be run twice. */
  readonly reads: boolean;
  /** Of its columns, once they are known. */
  names: readonly string[];
}

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
  readonly #group: CommitGroup;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(connection: NodeSqliteConnection) {
    this.#connection = connection;
    this.#group = new CommitGroup(connection);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    this.#waiting += 1;
    await before;
    this.#waiting -= 1;
    return new Turn(this.#connection, this.#group, resolve);
  }

  async releaseConnection(turn: DatabaseConnection): Promise<void> {
    (turn as Turn).end();
  }

  async beginTransaction(turn: DatabaseConnection): Promise<void> {
    (turn as Turn).isInTransaction = true;
    await this.#group.begin();
  }

  /** Who waits writes into the same transaction, and all are told when it is on the disk. */
  async commitTransaction(turn: DatabaseConnection): Promise<void> {
    const stored = this.#group.add();
    if (this.#waiting === 0 || this.#group.isFull) await this.#group.commit();
    (turn as Turn).end();
    await stored;
  }

  async rollbackTransaction(): Promise<void> {
    this.#group.rollBack();
    if (this.#waiting === 0) await this.#group.commit();
  }

  async destroy(): Promise<void> {
    this.#connection.close();
  }
}

/** The time in which one user of the connection has it for himself. */
class Turn implements DatabaseConnection {
  readonly #connection: NodeSqliteConnection;
  readonly #group: CommitGroup;
  isInTransaction = false;
  readonly end: () => void;

  constructor(connection: NodeSqliteConnection, group: CommitGroup, end: () => void) {
    this.#connection = connection;
    this.#group = group;
    this.end = end;
  }

  /** Outside of a transaction only what is on the disk is seen. */
  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (!this.isInTransaction) await this.#group.commit();
    return this.#connection.executeQuery(query);
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    return this.#connection.streamQuery();
  }
}

interface Member {
  resolve(): void;
  reject(error: unknown): void;
}

const MOST_IN_GROUP = 64;
const BEGIN = CompiledQuery.raw('begin immediate');
const COMMIT = CompiledQuery.raw('commit');

/**
 * Transactions that follow upon each other without a pause are one for SQLite: syncing the disk takes longer than
 * all else. Each has a savepoint of its own, so that its failure takes nothing of the others along; nobody is told
 * of success before the disk has it.
 */
class CommitGroup {
  readonly #connection: NodeSqliteConnection;
  #members: Member[] = [];

  constructor(connection: NodeSqliteConnection) {
    this.#connection = connection;
  }

  get isFull(): boolean {
    return this.#members.length >= MOST_IN_GROUP;
  }

  async begin(): Promise<void> {
    if (this.#members.length === 0) await this.#connection.executeQuery(BEGIN);
    else this.#connection.run('savepoint member');
  }

  /** The transaction that runs has done its work. Settles when it is stored, or lost. */
  add(): Promise<void> {
    if (this.#members.length > 0) this.#connection.run('release member');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#members.push({ resolve, reject });
    // Whoever waits for it hears of a failure; until then it is not one that nobody handles.
    promise.catch(() => {});
    return promise;
  }

  /** The transaction that runs has failed. After some errors (a full disk) SQLite has undone all of them by itself. */
  rollBack(): void {
    if (!this.#connection.isInTransaction) this.#lose(new Error('the transaction was undone'));
    else if (this.#members.length === 0) this.#connection.run('rollback');
    else this.#connection.run('rollback to member; release member');
  }

  async commit(): Promise<void> {
    if (this.#members.length === 0) return;
    try {
      await this.#connection.executeQuery(COMMIT);
    } catch (error) {
      if (this.#connection.isInTransaction) this.#connection.run('rollback');
      this.#lose(error);
      return;
    }
    for (const { resolve } of this.#members.splice(0)) resolve();
  }

  #lose(error: unknown): void {
    for (const { reject } of this.#members.splice(0)) reject(error);
  }
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();
  readonly #waitMs: number;

  constructor(database: DatabaseSync, waitMs: number) {
    this.#database = database;
    this.#waitMs = waitMs;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    for (const deadline = Date.now() + this.#waitMs; ; await sleep(POLL_MS)) {
      try {
        return { rows: readRows(this.#prepare(sql), parameters as SQLInputValue[]) as R[] };
      } catch (error) {
        if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
        if (Date.now() >= deadline) throw new DatabaseBusy(String(error));
      }
    }
  }

  /** Statements are kept, since preparing one takes longer than running it. */
  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    const prepared = { statement, reads: /^select\b/i.test(sql), names: [] };
    if (this.#prepared.size >= MOST_PREPARED) this.#prepared.clear();
    // A very long one is for very many rows, and does not come again.
    if (sql.length <= LONGEST_PREPARED) this.#prepared.set(sql, prepared);
    return prepared;
  }

  // biome-ignore lint/correctness/useYield: kysely asks for it; nothing here streams
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('this SQLite dialect does not stream');
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  run(script: string): void {
    this.#database.exec(script);
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
function readRows(prepared: Prepared, parameters: readonly SQLInputValue[]): unknown[] {
  const { statement, reads } = prepared;
  if (reads) {
    statement.setReadBigInts(false);
    try {
      return nameValues(prepared, readArrays(statement, parameters));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_OUT_OF_RANGE') throw error;
    }
  }
  statement.setReadBigInts(true);
  const rows = readArrays(statement, parameters);
  return nameValues(
    prepared,
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
function nameValues(prepared: Prepared, rows: readonly SQLOutputValue[][]): unknown[] {
  const [first] = rows;
  if (first === undefined) return [];
  if (prepared.names.length !== first.length) {
    prepared.names = prepared.statement.columns().map(({ name }) => name);
  }
  const { names } = prepared;
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
