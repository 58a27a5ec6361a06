import type { Context } from '../host/context.ts';
import { waitUntilAborted } from '../host/interrupts.ts';
import { logAccess } from '../http/access-log.ts';
import { allowOrigins } from '../http/cors.ts';
import { type HttpHandler, type HttpServerOptions, startHttpServer } from '../http/server.ts';
import { requireToken } from '../http/token.ts';
import type { LocalModel } from '../models/local-model.ts';
import { answering, answerScoringError, createScoringApp } from './app.ts';
import { planColumns } from './columns.ts';
import { createScoringMetrics, type ScoringMetrics } from './metrics.ts';
import {
  launchWorker,
  type ModelEnvironmentOptions,
  prepareModelEnvironment,
} from './model-process.ts';
import { type PoolEvent, type PoolOptions, WorkerPool } from './pool.ts';
import { warmUp } from './warm-up.ts';
import { ModelNotLoaded, Worker, type WorkerInfo } from './worker.ts';

type PoolSettings = Pick<
  PoolOptions,
  'size' | 'mostWaiting' | 'timeoutMs' | 'mostBatchRows' | 'batchWaitMs' | 'mostWorkerBytes'
>;
type AddressSettings = Pick<HttpServerOptions, 'host' | 'port' | 'mostBodyBytes' | 'tls'>;

export interface ServeOptions extends PoolSettings, AddressSettings {
  readonly environment: ModelEnvironmentOptions;
  /** What requests for predictions and metrics must bring along; undefined: nothing. */
  readonly token: string | undefined;
  /** Origins whose pages may read the answers. */
  readonly origins: readonly string[];
  /** Whether casts that lose something are refused; MLflow makes them in silence. */
  readonly isStrict: boolean;
  readonly logsAccess: boolean;
  /** How long requests under way are waited for when we are told to stop. */
  readonly graceMs: number;
  /** Given the server's address, by which it can be asked from now on. */
  readonly onListening?: ((url: string) => Promise<void>) | undefined;
}

/** What probes of a machine ask: they have no token. */
const OPEN_PATHS: ReadonlySet<string> = new Set([
  '/ping',
  '/health',
  '/livez',
  '/readyz',
  '/version',
]);

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
  const environment = await prepareModelEnvironment(model, options.environment, context);
  const launch = launchWorker(model, environment, context);
  const metrics = createScoringMetrics();
  const pool = new WorkerPool({
    ...options,
    startWorker: () => new Worker(launch),
    onEvent: (event) => {
      metrics.countEvent(event);
      tell(event, context);
    },
    onBatch: metrics.countBatch,
  });
  try {
    const info = await load(pool, context);
    metrics.describe({ uri: model.uri, modelId: model.file.modelId ?? '', info }, pool);
    const app = await assemble({ model, pool, info, metrics }, options, context);
    await listen(app, pool, info, options, context);
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

interface Loaded {
  readonly model: LocalModel;
  readonly pool: WorkerPool;
  readonly info: WorkerInfo;
  readonly metrics: ScoringMetrics;
}

const NOTHING_TO_CHECK =
  '--strict has nothing to check: the model has no signature of plain columns';

/** The application and what stands before it; the outermost comes last. */
async function assemble(
  { model, pool, info, metrics }: Loaded,
  { token, origins, logsAccess, isStrict }: ServeOptions,
  context: Context,
): Promise<HttpHandler> {
  const plan = planColumns(model.file.signature);
  const { takesColumns, mlflow: mlflowVersion } = info;
  const scoring = { pool, plan, takesColumns, isStrict, metrics, mlflowVersion };
  if (isStrict && plan === undefined) context.terminal.warn(NOTHING_TO_CHECK);
  let app = metrics.measure(answering(createScoringApp(scoring)));
  await warmUp(app, model, context);
  if (token !== undefined) app = requireToken(app, token, OPEN_PATHS);
  if (origins.length > 0) app = allowOrigins(app, origins);
  if (!logsAccess) return app;
  return logAccess(app, (entry) => context.terminal.print(JSON.stringify(entry)), context.now);
}

async function listen(
  app: HttpHandler,
  pool: WorkerPool,
  info: WorkerInfo,
  options: ServeOptions,
  { terminal, interrupts }: Context,
): Promise<void> {
  const server = await startHttpServer(app, { ...options, answerError: answerScoringError });
  terminal.note(`serving at ${server.url} (MLflow ${info.mlflow}, Python ${info.python})`);
  await options.onListening?.(server.url);
  await waitUntilAborted(interrupts.signal);
  terminal.note('stopping: requests under way are answered first');
  interrupts.force.addEventListener('abort', () => void pool.close(0));
  await server.close(options.graceMs);
}

function tell(event: PoolEvent, { terminal }: Context): void {
  switch (event.kind) {
    case 'lost':
      terminal.warn(event.error.message, event.error.hint);
      break;
    case 'replaced':
      terminal.note('a worker is ready');
      break;
    case 'bloated':
      terminal.warn(
        `a worker holds ${Math.round(event.bytes / 1e6)} MB: another one takes its place`,
      );
      break;
    case 'overrun':
      terminal.warn(`a request took longer than ${event.timeoutMs / 1_000} s: it is given up`);
  }
}
