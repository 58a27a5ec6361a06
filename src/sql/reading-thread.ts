import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { DatabaseBusy } from './node-sqlite-connection.ts';

/** Which file the thread reads, and how long it waits for a lock. */
export interface ReadingPlace {
  readonly path: string;
  readonly waitMs: number;
}

/** What goes to the thread. Without a query it ends. */
export interface Asked {
  readonly id: number;
  readonly query?: Pick<CompiledQuery, 'sql' | 'parameters'>;
}

/** What comes back. */
export interface Answered {
  readonly id: number;
  readonly rows?: unknown[];
  readonly failure?: Failure;
}

interface Failure {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  /** SQLite's own number. */
  readonly errcode: number | undefined;
}

/** Beside this file, and beside the bundled program. */
const SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? './query-thread.ts' : './query-thread.js',
  import.meta.url,
);

interface Waiting {
  resolve(rows: unknown[]): void;
  reject(error: unknown): void;
}

/**
 * kysely over a thread of this process that reads the database by itself. SQLite holds up the thread that asks it: a
 * search through 100,000 runs would hold up all who write meanwhile. The thread starts with the first query. It sees
 * what is stored, which is all that anybody has been told of.
 */
export function createReadingDialect(place: ReadingPlace): Dialect {
  return {
    createAdapter: () => new ReadingAdapter(),
    createDriver: () => new ReadingDriver(place),
    createIntrospector: (kysely: Kysely<unknown>) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** The queue is the thread's. */
class ReadingAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class ReadingDriver implements Driver, DatabaseConnection {
  readonly #place: ReadingPlace;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | undefined;
  #count = 0;

  constructor(place: ReadingPlace) {
    this.#place = place;
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

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    this.#thread ??= this.#start();
    this.#count += 1;
    const { promise, resolve, reject } = Promise.withResolvers<unknown[]>();
    this.#waiting.set(this.#count, { resolve, reject });
    this.#thread.postMessage({ id: this.#count, query: { sql, parameters } } satisfies Asked);
    return { rows: (await promise) as R[] };
  }

  // biome-ignore lint/correctness/useYield: kysely asks for it; nothing here streams
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('this SQLite dialect does not stream');
  }

  /** Lets the thread close its file, so that the last one who does tidies up. */
  async destroy(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    const ended = once(thread, 'exit');
    thread.postMessage({ id: 0 } satisfies Asked);
    await ended;
  }

  #start(): Worker {
    const thread = new Worker(SCRIPT, { workerData: this.#place });
    // Who waits for an answer is what keeps the process alive.
    thread.unref();
    thread.on('message', (answered: Answered) => this.#settle(answered));
    thread.on('error', (error) => this.#lose(error));
    thread.on('exit', () => this.#lose(new Error('the thread that reads the database has ended')));
    return thread;
  }

  #settle({ id, rows, failure }: Answered): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (rows !== undefined) waiting?.resolve(rows);
    else waiting?.reject(toError(failure));
  }

  /** The next query starts another one. */
  #lose(error: unknown): void {
    this.#thread = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function toError(failure: Failure | undefined): Error {
  const { name, message = '', code, errcode } = failure ?? {};
  const error = name === 'DatabaseBusy' ? new DatabaseBusy(message) : new Error(message);
  return Object.assign(error, { code, errcode });
}
