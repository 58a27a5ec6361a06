import type { EnvironmentManager } from '../environments/environment.ts';
import type { Context } from '../host/context.ts';
import { startHttpServer } from '../http/server.ts';
import { answerScoringError, createScoringApp, type ScoringApp } from './app.ts';
import { planColumns } from './columns.ts';
import { type LocalModel, launchWorker, prepareModelEnvironment } from './model-process.ts';
import { type PoolEvent, WorkerPool } from './pool.ts';
import { ModelNotLoaded, Worker, type WorkerInfo } from './worker.ts';

export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly timeoutMs: number;
  readonly mostWaiting: number;
  readonly mostBodyBytes: number;
  readonly mostBatchRows: number;
  readonly batchWaitMs: number;
  readonly environmentManager: EnvironmentManager;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** How long requests under way are waited for when we are told to stop. */
  readonly graceMs: number;
}

/**
 * Serves a model until a signal comes: then no more requests are accepted, those under way are answered,
 * and no process is left behind.
 *
 * @throws ModelNotLoaded where the model cannot be loaded, InvalidInput where the address is taken.
 */
export async function serveModel(
  model: LocalModel,
  options: ServeOptions,
  context: Context,
): Promise<void> {
  const environment = await prepareModelEnvironment(model, options.environmentManager, context);
  const launch = launchWorker(model, environment, context);
  const pool = new WorkerPool({
    size: options.workers,
    mostWaiting: options.mostWaiting,
    timeoutMs: options.timeoutMs,
    mostBatchRows: options.mostBatchRows,
    batchWaitMs: options.batchWaitMs,
    startWorker: () => new Worker(launch),
    onEvent: (event) => tell(event, context),
  });
  try {
    const info = await load(pool, context);
    const plan = info.takesColumns ? planColumns(model.file.signature) : undefined;
    await listen({ pool, plan, mlflowVersion: info.mlflow }, info, options, context);
  } finally {
    await pool.close(options.graceMs);
  }
}

/** What the worker says of its failure comes before ours. */
async function load(pool: WorkerPool, { terminal, interrupts }: Context): Promise<WorkerInfo> {
  const interrupted = new Promise<never>((_resolve, reject) => {
    interrupts.signal.addEventListener('abort', () => reject(interrupts.signal.reason));
  });
  try {
    return await terminal.progress('loading the model', () =>
      Promise.race([pool.start(), interrupted]),
    );
  } catch (error) {
    if (error instanceof ModelNotLoaded) terminal.note(error.traceback.trimEnd());
    throw error;
  }
}

async function listen(
  scoring: ScoringApp,
  info: WorkerInfo,
  options: ServeOptions,
  { terminal, interrupts }: Context,
): Promise<void> {
  const { host, port, mostBodyBytes, tls, graceMs } = options;
  const app = createScoringApp(scoring);
  const settings = { host, port, mostBodyBytes, tls, answerError: answerScoringError };
  const server = await startHttpServer(app, settings);
  terminal.note(`serving at ${server.url} (MLflow ${info.mlflow}, Python ${info.python})`);
  await untilAborted(interrupts.signal);
  terminal.note('stopping: requests under way are answered first');
  interrupts.force.addEventListener('abort', () => void scoring.pool.close(0));
  await server.close(graceMs);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function tell(event: PoolEvent, { terminal }: Context): void {
  if (event.kind === 'lost') terminal.warn(event.error.message, event.error.hint);
  else if (event.kind === 'replaced') terminal.note('a worker is ready');
  else terminal.warn(`a request took longer than ${event.timeoutMs / 1_000} s: it is given up`);
}
