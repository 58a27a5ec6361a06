import { MltsError } from '../core/errors.ts';
import { readResidentBytes } from '../host/process-memory.ts';
import { encodeQuestions, type Prediction, type Question, readPredictions } from './batch.ts';
import { type Worker, type WorkerInfo, WorkerLost } from './worker.ts';

export interface PoolOptions {
  readonly size: number;
  /** Requests that may wait while all workers are at work. */
  readonly mostWaiting: number;
  /** From when a request is taken until it must be answered. */
  readonly timeoutMs: number;
  /** Rows of several requests that may be predicted at once; 1: none are joined. */
  readonly mostBatchRows: number;
  /** For how long an idle worker waits for more to join. */
  readonly batchWaitMs: number;
  /** A worker that holds more is replaced when it has answered; undefined: however much it holds. */
  readonly mostWorkerBytes: number | undefined;
  startWorker(): Worker;
  /** Told of what an operator wants to read. */
  onEvent(event: PoolEvent): void;
  /** Told how many rows are predicted at once, of requests that were read as columns. */
  onBatch?(rows: number): void;
}

export type PoolEvent =
  | { readonly kind: 'lost'; readonly error: MltsError }
  | { readonly kind: 'overrun'; readonly timeoutMs: number }
  | { readonly kind: 'bloated'; readonly bytes: number }
  | { readonly kind: 'replaced' };

/** All workers are at work, and as many requests wait as may. */
export class PoolBusy extends MltsError {
  override readonly name = 'PoolBusy';

  constructor(waiting: number) {
    super('TEMPORARILY_UNAVAILABLE', `the server is busy: ${waiting} requests are waiting`, {
      hint: 'try again in a moment, or start the server with more --workers',
    });
  }
}

/** The request took longer than it may. */
export class RequestOverrun extends MltsError {
  override readonly name = 'RequestOverrun';

  constructor(timeoutMs: number) {
    super('TEMPORARILY_UNAVAILABLE', `no answer within ${timeoutMs / 1_000} s`);
  }
}

interface Job {
  readonly question: Question;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  readonly deadline: NodeJS.Timeout;
  resolve(prediction: Prediction | undefined): void;
  reject(error: unknown): void;
  /** Who is at it; undefined while it waits. */
  worker: Worker | undefined;
}

/** The first pause before a worker that did not come up is started again; it doubles up to the longest. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** How often the memory of workers is looked at. */
const WATCH_MS = 1_000;

/**
 * Workers that each have the model loaded, and the queue before them. A request is handed to a worker that
 * is idle, and to no other: one that has not been handed over outlives the loss of any worker.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  /** Told to end; whoever ends otherwise is lost. */
  readonly #retired = new Set<Worker>();
  readonly #queue: Job[] = [];
  #isClosing = false;
  #busy = 0;
  #gathering: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Starts all workers; returns when the first one is ready. The others join when they are.
   *
   * @throws ModelNotLoaded, WorkerLost where the first worker does not come up.
   */
  async start(): Promise<WorkerInfo> {
    const first = this.#start();
    const info = await first.info;
    this.#join(first);
    if (this.#options.mostWorkerBytes !== undefined) {
      this.#watch = setInterval(() => void this.#replaceBloated(), WATCH_MS).unref();
    }
    for (let count = 1; count < this.#options.size; count += 1) void this.#startAgain();
    return info;
  }

  /** Workers that have the model loaded. */
  get ready(): number {
    return this.#idle.length + this.#busy;
  }

  get isReady(): boolean {
    return this.ready > 0;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Asks a worker. Undefined where columns were asked and this one has to be asked the exact way.
   *
   * @throws PoolBusy, RequestOverrun, WorkerLost; the reason of `signal` where that is aborted.
   */
  ask(question: Question, signal: AbortSignal): Promise<Prediction | undefined> {
    const { mostWaiting, timeoutMs, batchWaitMs } = this.#options;
    if (this.#idle.length === 0 && this.#queue.length >= mostWaiting) {
      return Promise.reject(new PoolBusy(this.#queue.length));
    }
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => this.#overrun(job), timeoutMs);
      const job: Job = { question, signal, deadline, resolve, reject, worker: undefined };
      this.#queue.push(job);
      if (batchWaitMs === 0 || question.kind === 'body') this.#dispatch();
      else this.#gathering ??= setTimeout(() => this.#dispatch(), batchWaitMs);
    });
  }

  /** Takes no more, waits for what is under way, and ends the workers. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#watch);
    for (const worker of this.#all) worker.finish();
    const killing = setTimeout(() => {
      for (const worker of this.#all) worker.kill();
    }, graceMs);
    await Promise.all([...this.#all].map(({ ended }) => ended));
    clearTimeout(killing);
  }

  /** Those that are idle: one that is at a request is looked at when it has answered. */
  async #replaceBloated(): Promise<void> {
    const { mostWorkerBytes = Number.POSITIVE_INFINITY, onEvent } = this.#options;
    for (const worker of [...this.#idle]) {
      const bytes = worker.pid === undefined ? undefined : await readResidentBytes(worker.pid);
      const index = this.#idle.indexOf(worker);
      if (bytes === undefined || bytes <= mostWorkerBytes || index === -1) continue;
      this.#idle.splice(index, 1);
      this.#retired.add(worker);
      onEvent({ kind: 'bloated', bytes });
      worker.finish();
    }
  }

  #start(): Worker {
    const worker = this.#options.startWorker();
    this.#all.add(worker);
    void worker.ended.then(() => this.#all.delete(worker));
    return worker;
  }

  #join(worker: Worker): void {
    this.#idle.push(worker);
    void worker.ended.then((end) => {
      const index = this.#idle.indexOf(worker);
      if (index !== -1) this.#idle.splice(index, 1);
      if (this.#isClosing) return;
      const isRetired = this.#retired.delete(worker);
      if (!isRetired) this.#options.onEvent({ kind: 'lost', error: new WorkerLost(end) });
      void this.#startAgain();
    });
    this.#dispatch();
  }

  async #startAgain(): Promise<void> {
    for (
      let pauseMs = FIRST_PAUSE_MS;
      !this.#isClosing;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    ) {
      const worker = this.#start();
      try {
        await worker.info;
        this.#options.onEvent({ kind: 'replaced' });
        return this.#join(worker);
      } catch (error) {
        worker.kill();
        if (this.#isClosing) return;
        if (error instanceof MltsError) this.#options.onEvent({ kind: 'lost', error });
        await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
      }
    }
  }

  #dispatch(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    while (this.#idle.length > 0) {
      const jobs = this.#takeBatch();
      if (jobs.length === 0) return;
      void this.#hand(jobs, this.#idle.pop() as Worker);
    }
  }

  /** The next request that is still waited for, and those behind it that may be predicted with it. */
  #takeBatch(): readonly Job[] {
    const batch: Job[] = [];
    let rows = 0;
    for (let job = this.#queue[0]; job !== undefined; job = this.#queue[0]) {
      if (job.signal.aborted) this.#drop(job);
      else if (batch.length === 0 || this.#mayJoin(job, rows)) batch.push(job);
      else break;
      this.#queue.shift();
      rows += countRows(job);
      if (job.question.kind === 'body' && batch.length > 0) break;
    }
    return batch;
  }

  #mayJoin({ question }: Job, rows: number): boolean {
    return (
      question.kind === 'columns' && rows + question.columns.rows <= this.#options.mostBatchRows
    );
  }

  #drop(job: Job): void {
    clearTimeout(job.deadline);
    job.reject(job.signal.reason);
  }

  async #hand(jobs: readonly Job[], worker: Worker): Promise<void> {
    for (const job of jobs) job.worker = worker;
    this.#busy += 1;
    if (jobs[0]?.question.kind === 'columns') this.#options.onBatch?.(sum(jobs.map(countRows)));
    try {
      const frame = await worker.ask(encodeQuestions(jobs.map(({ question }) => question)));
      this.#idle.push(worker);
      const predictions = readPredictions(frame);
      for (const [index, job] of jobs.entries()) job.resolve(predictions?.[index]);
    } catch (error) {
      // One of a batch may have ended the worker: the others are not to blame.
      for (const job of jobs) {
        if (jobs.length > 1) job.resolve(undefined);
        else job.reject(error);
      }
    } finally {
      for (const { deadline } of jobs) clearTimeout(deadline);
      this.#busy -= 1;
      this.#dispatch();
    }
  }

  /** Python cannot be told to stop: who is at the request is ended, and another one takes the place. */
  #overrun(job: Job): void {
    const { timeoutMs } = this.#options;
    const index = this.#queue.indexOf(job);
    if (index !== -1) this.#queue.splice(index, 1);
    this.#options.onEvent({ kind: 'overrun', timeoutMs });
    job.reject(new RequestOverrun(timeoutMs));
    job.worker?.kill();
  }
}

function countRows({ question }: Job): number {
  return question.kind === 'columns' ? question.columns.rows : 0;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
