import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { CompiledQuery } from 'kysely';
import { leaveThreadAtExit } from '../host/thread-exit.ts';
import { DatabaseBusy } from './node-sqlite-connection.ts';

/** Which file the thread reads, and how long it waits for a lock. */
export interface ReadingPlace {
  readonly path: string;
  readonly waitMs: number;
}

export type Query = Pick<CompiledQuery, 'sql' | 'parameters'>;

/** What goes to the thread. Without a query it ends. */
export interface Asked {
  readonly query?: Query;
}

/** What comes back, before anything else is asked. */
export interface Answered {
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

/** A thread that is told to end is waited for as long; who waits for its answers has gone by then. */
const ENDING_MS = 1_000;

interface Waiting {
  readonly query: Query;
  readonly signal: AbortSignal | undefined;
  resolve(rows: unknown[]): void;
  reject(error: unknown): void;
}

/** A thread of this process (`query-thread.ts`) that reads a database by itself, one query after the other. */
export class ReadingThread {
  readonly #worker: Worker;
  /** In the order in which they came; the first one is with the thread. */
  readonly #waiting: Waiting[] = [];
  hasEnded = false;

  constructor(place: ReadingPlace) {
    this.#worker = new Worker(SCRIPT, { workerData: place });
    // Who waits for an answer is what keeps the process alive.
    this.#worker.unref();
    this.#worker.on('message', (answered: Answered) => this.#settle(answered));
    this.#worker.on('error', (error) => this.#lose(error));
    this.#worker.on('exit', () => this.#lose(new Error('the thread that reads has ended')));
  }

  /** A query that is no longer wanted when its turn comes is not run. */
  run({ sql, parameters }: Query, signal?: AbortSignal): Promise<unknown[]> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown[]>();
    this.#waiting.push({ query: { sql, parameters }, signal, resolve, reject });
    if (this.#waiting.length === 1) this.#ask();
    return promise;
  }

  #ask(): void {
    while (this.#waiting[0]?.signal?.aborted) {
      const gone = this.#waiting.shift();
      gone?.reject(gone.signal?.reason);
    }
    const [next] = this.#waiting;
    if (next !== undefined) this.#worker.postMessage({ query: next.query } satisfies Asked);
  }

  /** Lets it close its file, so that the last one who does tidies up; but no search is waited for to its end. */
  async end(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#worker, 'exit');
    // Else the process ends meanwhile, for want of anything to wait for.
    this.#worker.ref();
    this.#worker.postMessage({} satisfies Asked);
    const giveUp = new AbortController();
    const late = sleep(ENDING_MS, undefined, { signal: giveUp.signal }).catch(() => {});
    await Promise.race([ended, late]);
    giveUp.abort();
    if (this.hasEnded) return;
    this.#worker.unref();
    leaveThreadAtExit(() => !this.hasEnded);
  }

  #settle({ rows, failure }: Answered): void {
    const asked = this.#waiting.shift();
    if (rows !== undefined) asked?.resolve(rows);
    else asked?.reject(toError(failure));
    this.#ask();
  }

  #lose(error: unknown): void {
    this.hasEnded = true;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function toError(failure: Failure | undefined): Error {
  const { name, message = '', code, errcode } = failure ?? {};
  const error = name === 'DatabaseBusy' ? new DatabaseBusy(message) : new Error(message);
  return Object.assign(error, { code, errcode });
}
