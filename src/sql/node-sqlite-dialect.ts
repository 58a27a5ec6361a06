import type { DatabaseSync } from 'node:sqlite';
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import { CommitGroup } from './commit-group.ts';
import { NodeSqliteConnection } from './node-sqlite-connection.ts';
import { createSqliteDialect, WholeConnection } from './sqlite-dialect.ts';

/**
 * kysely over Node's own SQLite: one connection, transactions one after the other, each `IMMEDIATE`, so
 * that a lock is waited for at its beginning and never half way. The wait is ours and not SQLite's:
 * SQLite would block the whole process, and with it the answer to Ctrl-C. Before anything is stored `check` is
 * called, and may refuse by throwing.
 */
export function createNodeSqliteDialect(
  database: DatabaseSync,
  waitMs: number,
  check: () => void = () => {},
): Dialect {
  return createSqliteDialect(
    () => new NodeSqliteDriver(new NodeSqliteConnection(database), waitMs, check),
  );
}

class NodeSqliteDriver implements Driver {
  readonly #connection: NodeSqliteConnection;
  readonly #group: CommitGroup;
  readonly #waitMs: number;
  readonly #check: () => void;
  #last: Promise<void> = Promise.resolve();
  #willCommit = false;

  constructor(connection: NodeSqliteConnection, waitMs: number, check: () => void) {
    this.#connection = connection;
    this.#group = new CommitGroup(connection);
    this.#waitMs = waitMs;
    this.#check = check;
  }

  async init(): Promise<void> {}

  /** How long a lock is waited for counts from here, so that nobody waits for what those before him wait. */
  async acquireConnection(): Promise<Turn> {
    const deadlineMs = Date.now() + this.#waitMs;
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    return new Turn(this.#connection, this.#group, deadlineMs, resolve);
  }

  async releaseConnection(turn: DatabaseConnection): Promise<void> {
    (turn as Turn).end();
  }

  async beginTransaction(turn: DatabaseConnection): Promise<void> {
    if (this.#group.isEmpty) this.#check();
    await (turn as Turn).begin();
  }

  /** Who comes meanwhile writes into the same transaction, and all are told when it is on the disk. */
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const turn = connection as Turn;
    const stored = turn.finish();
    if (this.#group.isFull) await this.#group.commit(turn.deadlineMs);
    else this.#commitSoon();
    turn.end();
    await stored;
  }

  /** When a look at what has arrived brings nobody new: what other clients have sent meanwhile is part of it. */
  #commitSoon(): void {
    if (this.#willCommit) return;
    this.#willCommit = true;
    let seen = 0;
    const look = (): void => {
      if (this.#group.size > seen) {
        seen = this.#group.size;
        setImmediate(look);
      } else {
        this.#willCommit = false;
        void this.#commit();
      }
    };
    setImmediate(look);
  }

  async #commit(): Promise<void> {
    const turn = await this.acquireConnection();
    await this.#group.commit(turn.deadlineMs);
    turn.end();
  }

  /** kysely asks for it after a commit that failed, too: by then somebody else's transaction may be running. */
  async rollbackTransaction(turn: DatabaseConnection): Promise<void> {
    if ((turn as Turn).isInTransaction) this.#group.rollBack();
  }

  async destroy(): Promise<void> {
    await this.#group.commit(Date.now() + this.#waitMs);
    this.#connection.close();
  }
}

/** The time in which one user of the connection has it for himself. */
class Turn extends WholeConnection {
  readonly #connection: NodeSqliteConnection;
  readonly #group: CommitGroup;
  /** From its beginning until its work is done, or undone. */
  isInTransaction = false;
  readonly deadlineMs: number;
  readonly end: () => void;

  constructor(
    connection: NodeSqliteConnection,
    group: CommitGroup,
    deadlineMs: number,
    end: () => void,
  ) {
    super();
    this.#connection = connection;
    this.#group = group;
    this.deadlineMs = deadlineMs;
    this.end = end;
  }

  async begin(): Promise<void> {
    await this.#group.begin(this.deadlineMs);
    this.isInTransaction = true;
  }

  /** Settles when what was done is stored, or lost. */
  finish(): Promise<void> {
    const stored = this.#group.add();
    this.isInTransaction = false;
    return stored;
  }

  /** Outside of a transaction only what is on the disk is seen. */
  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (!this.isInTransaction) await this.#group.commit(this.deadlineMs);
    return this.#connection.execute(query, this.deadlineMs);
  }
}
