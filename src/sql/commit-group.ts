import type { NodeSqliteConnection } from './node-sqlite-connection.ts';

interface Member {
  resolve(): void;
  reject(error: unknown): void;
}

const MOST_IN_GROUP = 64;
const BEGIN = { sql: 'begin immediate', parameters: [] };
const COMMIT = { sql: 'commit', parameters: [] };

/** So many after one that failed are not undone with another one. */
const GUARDED = 1_000;

/** What a transaction fails with that was undone because another one failed, and may be run again. */
export class UndoneWithAnother extends Error {
  override readonly name = 'UndoneWithAnother';
}

/**
 * Transactions that come together are one for SQLite: syncing the disk takes longer than all else. Nobody is told of
 * success before the disk has it. Where one fails that has written, all are undone and run again, since a savepoint for
 * each would cost a copy of all that it changes; those that come next have one, so that nobody is undone over and over.
 */
export class CommitGroup {
  readonly #connection: NodeSqliteConnection;
  #members: Member[] = [];
  /** How many are still to have a savepoint. */
  #guarded = 0;
  /** Of the transaction that runs: whether it has a savepoint, and how many rows had been changed before it. */
  #hasSavepoint = false;
  #changesBefore = 0;

  constructor(connection: NodeSqliteConnection) {
    this.#connection = connection;
  }

  get isEmpty(): boolean {
    return this.#members.length === 0;
  }

  get size(): number {
    return this.#members.length;
  }

  get isFull(): boolean {
    return this.#members.length >= MOST_IN_GROUP;
  }

  async begin(deadlineMs: number): Promise<void> {
    if (this.isEmpty) await this.#connection.execute(BEGIN, deadlineMs);
    this.#hasSavepoint = !this.isEmpty && this.#guarded > 0;
    if (this.#hasSavepoint) this.#connection.run('savepoint member');
    else if (!this.isEmpty) this.#changesBefore = this.#connection.countChanges();
    this.#guarded = Math.max(0, this.#guarded - 1);
  }

  /** The transaction that runs has done its work. Settles when it is stored, or lost. */
  add(): Promise<void> {
    if (this.#hasSavepoint) this.#connection.run('release member');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#members.push({ resolve, reject });
    // Whoever waits for it hears of a failure; until then it is not one that nobody handles.
    promise.catch(() => {});
    return promise;
  }

  /** The transaction that runs has failed. After some errors (a full disk) SQLite has undone all of them by itself. */
  rollBack(): void {
    if (!this.#connection.isInTransaction) this.#lose(this.#connection.lastError);
    else if (this.isEmpty) this.#connection.run('rollback');
    else if (this.#hasSavepoint) {
      this.#connection.run('rollback to member');
      this.#connection.run('release member');
    } else if (this.#connection.countChanges() !== this.#changesBefore) {
      this.#connection.run('rollback');
      this.#guarded = GUARDED;
      this.#lose(new UndoneWithAnother());
    }
  }

  async commit(deadlineMs: number): Promise<void> {
    if (this.isEmpty) return;
    try {
      await this.#connection.execute(COMMIT, deadlineMs);
    } catch (error) {
      this.#lose(error);
      this.#undo();
      return;
    }
    for (const { resolve } of this.#members.splice(0)) resolve();
  }

  /** SQLite ends the transaction even where it cannot undo it now: the log is not followed to its end. */
  #undo(): void {
    try {
      if (this.#connection.isInTransaction) this.#connection.run('rollback');
    } catch {
      // All of its members have been told already.
    }
  }

  #lose(error: unknown): void {
    for (const { reject } of this.#members.splice(0)) reject(error);
  }
}
