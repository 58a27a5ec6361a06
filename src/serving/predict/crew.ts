import type { ProcessLaunch } from '../../core/launch.ts';
import { encodeFrame, type Frame } from '../frame.ts';
import { Worker, WorkerLost } from '../worker.ts';
import { type ChunkAnswer, type Columns, checkAnswer } from './answer.ts';
import { type Chunk, countBytes } from './chunks.ts';
import type { ContentType, OutputFormat } from './job.ts';

type Header = Readonly<Record<string, unknown>>;

/** What all chunks must have in common; undefined before the first one. */
export interface Agreement {
  readonly columns: Columns;
  readonly output: unknown;
}

/** What is predicted whole, and to where. */
export interface WholeFile {
  readonly path: string;
  readonly contentType: ContentType;
  readonly format: OutputFormat;
  readonly output: string;
}

/**
 * Python processes that have the model loaded (`predict.py`). The first is started at once, the others when there is
 * work for them; what one was at when it was lost is tried once more by a new one.
 */
export class Crew {
  readonly #launch: ProcessLaunch;
  readonly #signal: AbortSignal;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();

  constructor(launch: ProcessLaunch, signal: AbortSignal) {
    this.#launch = launch;
    this.#signal = signal;
    signal.addEventListener('abort', this.#kill);
  }

  /** Returns when the first one has loaded the model. @throws ModelNotLoaded, WorkerLost, Interrupted */
  async start(): Promise<void> {
    this.#idle.push(await this.#startWorker());
  }

  /** @throws PredictionFailed, InvalidInput, WorkerLost, Interrupted */
  async predictWhole(file: WholeFile): Promise<void> {
    await this.#ask({ kind: 'whole', ...file });
  }

  /** @throws Unfit and all that `predictWhole` throws. */
  async predictChunk(
    { index, header, body }: Chunk,
    format: OutputFormat,
    agreed: Agreement | undefined,
  ): Promise<ChunkAnswer> {
    const { columns = null, output = null } = agreed ?? {};
    const request = { ...header, kind: 'chunk', format, columns, output, isFirst: index === 0 };
    const frame = await this.#ask(request, body);
    const answer = frame.header as unknown as Omit<ChunkAnswer, 'body'>;
    return { ...answer, body: frame.body };
  }

  /** What the columns are of the chunk and of all before it. @throws Unfit and all that `predictWhole` throws. */
  async scanChunk({ header, body }: Chunk, columns: Columns): Promise<Columns> {
    const answer = await this.#ask({ ...header, kind: 'scan', columns }, body);
    return answer.header.columns as Columns;
  }

  /** The rows in each row group of a Parquet file. @throws PredictionFailed */
  async countGroups(path: string): Promise<readonly number[]> {
    return (await this.#ask({ kind: 'groups', path })).header.groups as number[];
  }

  /** Makes one Parquet file of the pieces in another one. @throws PredictionFailed */
  async assemble(path: string, sizes: readonly number[], output: string): Promise<void> {
    await this.#ask({ kind: 'assemble', path, sizes, output });
  }

  /** Ends all of them; returns when they are gone. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#kill);
    this.#kill();
    await Promise.all([...this.#all].map(({ ended }) => ended));
  }

  readonly #kill = (): void => {
    for (const worker of this.#all) worker.kill();
  };

  async #startWorker(): Promise<Worker> {
    this.#signal.throwIfAborted();
    const worker = new Worker(this.#launch);
    this.#all.add(worker);
    void worker.ended.then(() => this.#all.delete(worker));
    try {
      await worker.info;
      return worker;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw error;
    }
  }

  async #ask(header: Header, body: readonly Buffer[] = []): Promise<Frame> {
    try {
      return await this.#askOnce(header, body);
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!(error instanceof WorkerLost)) throw error;
      return await this.#askOnce(header, body).catch((again: unknown) => {
        this.#signal.throwIfAborted();
        throw again;
      });
    }
  }

  async #askOnce(header: Header, body: readonly Buffer[]): Promise<Frame> {
    const worker = this.#idle.pop() ?? (await this.#startWorker());
    const frame = await worker.ask([encodeFrame(header, countBytes(body)), ...body]);
    this.#idle.push(worker);
    checkAnswer(frame);
    return frame;
  }
}
