import type {
  AbortableOperationOptions,
  CompiledQuery,
  DatabaseConnection,
  Dialect,
  Driver,
  QueryResult,
} from 'kysely';
import { type ReadingPlace, ReadingThread } from './reading-thread.ts';
import { createSqliteDialect, WholeConnection } from './sqlite-dialect.ts';

/**
 * kysely over a thread of this process that reads the database by itself. SQLite holds up the thread that asks it: a
 * search through 100,000 runs would hold up all who write meanwhile. The thread starts with the first query, when `check`
 * has not thrown. It sees what is stored, which is all that anybody has been told of.
 */
export function createReadingDialect(place: ReadingPlace, check: () => void): Dialect {
  return createSqliteDialect(() => new ReadingDriver(place, check));
}

class ReadingDriver extends WholeConnection implements Driver {
  readonly #place: ReadingPlace;
  readonly #check: () => void;
  #thread: ReadingThread | undefined;

  constructor(place: ReadingPlace, check: () => void) {
    super();
    this.#place = place;
    this.#check = check;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this;
  }

  async releaseConnection(): Promise<void> {}

  async beginTransaction(): Promise<void> {
    throw new Error('this connection only reads');
  }

  async commitTransaction(): Promise<void> {}

  async rollbackTransaction(): Promise<void> {}

  /** A thread that is lost takes along what it was asked; the next query has another one. */
  async executeQuery<R>(
    query: CompiledQuery,
    { signal }: AbortableOperationOptions = {},
  ): Promise<QueryResult<R>> {
    if (this.#thread === undefined || this.#thread.hasEnded) {
      this.#check();
      this.#thread = new ReadingThread(this.#place);
    }
    return { rows: (await this.#thread.run(query, signal)) as R[] };
  }

  async destroy(): Promise<void> {
    await this.#thread?.end();
  }
}
