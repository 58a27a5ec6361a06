import { MltsError } from '../core/errors.ts';
import type { ProcessLaunch } from '../core/launch.ts';
import { type ProcessEnd, startChannelProcess } from '../host/channel-process.ts';
import { type Frame, FrameReader } from './frame.ts';

/** What a worker says of itself when its model is loaded. */
export interface WorkerInfo {
  readonly mlflow: string;
  readonly python: string;
  /** Whether it predicts from columns as MLflow would from the body. */
  readonly takesColumns: boolean;
}

/** The process that was to answer has ended. */
export class WorkerLost extends MltsError {
  override readonly name = 'WorkerLost';

  constructor({ exitCode, signal }: ProcessEnd) {
    const how =
      signal === undefined ? `exited with ${exitCode ?? 'nothing'}` : `was ended by ${signal}`;
    super('INTERNAL_ERROR', `the Python process with the model ${how}`, {
      hint: 'its own output tells more; a process that is ended by SIGKILL often had no memory left',
    });
  }
}

/** The model could not be loaded; `module` is what Python did not find. */
export class ModelNotLoaded extends MltsError {
  override readonly name = 'ModelNotLoaded';
  readonly traceback: string;

  constructor(header: Frame['header']) {
    const module = typeof header.module === 'string' ? header.module : undefined;
    super('INVALID_STATE', `the model cannot be loaded: ${String(header.error)}`, {
      hint: hintAt(module),
    });
    this.traceback = String(header.traceback ?? '');
  }
}

function hintAt(module: string | undefined): string {
  if (module === undefined) {
    return 'the lines above are from the model itself; `mlts models check` looks for the cause';
  }
  const lacks = `its environment lacks \`${module}\``;
  // Models do not always ask for the MLflow that is to load them.
  if (module === 'mlflow') return `${lacks}: use --install-mlflow, or install it`;
  return `${lacks}: install it, or leave out --env-manager local`;
}

interface Waiting {
  resolve(frame: Frame): void;
  reject(error: MltsError): void;
}

/** One Python process that has the model loaded and answers one request at a time. */
export class Worker {
  readonly info: Promise<WorkerInfo>;
  /** When the process has ended, for whatever reason. */
  readonly ended: Promise<ProcessEnd>;
  readonly #process: ReturnType<typeof startChannelProcess>;
  #waiting: Waiting | undefined;
  #lost: WorkerLost | undefined;

  /** Starts the process; `info` says when it is ready. */
  constructor(launch: ProcessLaunch) {
    this.#process = startChannelProcess(launch);
    this.ended = this.#process.ended;
    const reader = new FrameReader();
    this.#process.channel.on('data', (piece: Buffer) => {
      for (const frame of reader.push(piece)) this.#receive(frame);
    });
    this.info = this.#expect().then(readInfo);
    // A worker that is ended before anybody waits for it is no accident.
    this.info.catch(() => {});
    void this.ended.then((end) => {
      this.#lost = new WorkerLost(end);
      this.#waiting?.reject(this.#lost);
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Sends a frame, in pieces; returns the frame that answers it. @throws WorkerLost */
  ask(pieces: readonly Buffer[]): Promise<Frame> {
    const { channel } = this.#process;
    const answer = this.#expect();
    channel.cork();
    for (const piece of pieces) if (piece.length > 0) channel.write(piece);
    channel.uncork();
    return answer;
  }

  /** Lets it end by itself, after the request that it is at. */
  finish(): void {
    this.#process.channel.end();
  }

  kill(): void {
    this.#process.kill();
  }

  #expect(): Promise<Frame> {
    return new Promise((resolve, reject) => {
      if (this.#lost === undefined) this.#waiting = { resolve, reject };
      else reject(this.#lost);
    });
  }

  #receive(frame: Frame): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(frame);
  }
}

/** @throws ModelNotLoaded */
function readInfo({ header }: Frame): WorkerInfo {
  if (header.kind !== 'ready') throw new ModelNotLoaded(header);
  const { mlflow, python, takesColumns } = header;
  return {
    mlflow: String(mlflow),
    python: String(python),
    takesColumns: takesColumns === true,
  };
}
