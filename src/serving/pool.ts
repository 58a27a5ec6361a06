import { MltsError } from '../core/errors.ts';
import type { Frame } from './frame.ts';
import { type Worker, type WorkerInfo, WorkerLost, type WorkerRequest } from './worker.ts';

export interface PoolOptions {
  readonly size: number;
  /** Requests that may wait while all workers are at work. */
  readonly mostWaiting: number;
  /** From when a request is taken until it must be answered. */
  readonly timeoutMs: number;
  startWorker(): Worker;
  /** Told of what an operator wants to read. */
  onEvent(event: PoolEvent): void;
}

export type PoolEvent =
  | { readonly kind: 'lost'; readonly error: MltsError }
  | { readonly kind: 'overrun'; readonly timeoutMs: number }
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

interface Job extends WorkerRequest {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  readonly deadline: NodeJS.Timeout;
  resolve(frame: Frame): void;
  reject(error: unknown): void;
  /** What it is at; undefined while it waits. */
  worker: Worker | undefined;
}

/** The first pause before a worker that did not come up is started again; it doubles up to the longest. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Workers that each have the model loaded, and the queue before them. A request is handed to a worker that
 * is idle, and to no other: one that has not been handed over outlives the loss of any worker.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #queue: Job[] = [];
  #isClosing = false;
  #busy = 0;

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
    for (let count = 1; count < this.#options.size; count += 1) void this.#startAgain();
    return info;
  }

  get isReady(): boolean {
    return this.#idle.length + this.#busy > 0;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** @throws PoolBusy, RequestOverrun, WorkerLost; the reason of `signal` where that is aborted. */
  ask(request: WorkerRequest, signal: AbortSignal): Promise<Frame> {
    const { mostWaiting, timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#idle.length === 0 && this.#queue.length >= mostWaiting) {
        throw new PoolBusy(this.#queue.length);
      }
      const deadline = setTimeout(() => this.#overrun(job), timeoutMs);
      const job: Job = { ...request, signal, deadline, resolve, reject, worker: undefined };
      this.#queue.push(job);
      this.#dispatch();
    });
  }

  /** Takes no more, waits for what is under way, and ends the workers. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    for (const worker of this.#all) worker.finish();
    const killing = setTimeout(() => {
      for (const worker of this.#all) worker.kill();
    }, graceMs);
    await Promise.all([...this.#all].map(({ ended }) => ended));
    clearTimeout(killing);
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
      this.#options.onEvent({ kind: 'lost', error: new WorkerLost(end) });
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
    while (this.#idle.length > 0) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      if (job.signal.aborted) this.#settle(job, () => job.reject(job.signal.reason));
      else void this.#hand(job, this.#idle.pop() as Worker);
    }
  }

  async #hand(job: Job, worker: Worker): Promise<void> {
    job.worker = worker;
    this.#busy += 1;
    try {
      const frame = await worker.ask(job);
      this.#idle.push(worker);
      this.#settle(job, () => job.resolve(frame));
    } catch (error) {
      this.#settle(job, () => job.reject(error));
    } finally {
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

  #settle(job: Job, settle: () => void): void {
    clearTimeout(job.deadline);
    settle();
  }
}
