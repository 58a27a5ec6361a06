import { InvalidInput, MltsError } from '../core/errors.ts';
import { BodyTooLarge } from '../http/incoming.ts';
import type { HttpAnswer, HttpHandler, HttpRequest } from '../http/server.ts';
import { type ColumnPlan, readTable, toColumns } from './columns.ts';
import type { ScoringMetrics } from './metrics.ts';
import { PoolBusy, RequestOverrun, type WorkerPool } from './pool.ts';
import { checkCells } from './strict.ts';

export interface ScoringApp {
  readonly pool: WorkerPool;
  /** Where all columns of the model are plain ones. */
  readonly plan: ColumnPlan | undefined;
  /** Whether the workers take columns; else the plan serves strictness alone. */
  readonly takesColumns: boolean;
  /** Whether casts that lose something are refused. */
  readonly isStrict: boolean;
  readonly metrics?: Pick<ScoringMetrics, 'contentType' | 'render'> | undefined;
  /** The MLflow in the model's environment. */
  readonly mlflowVersion: string;
}

const JSON_TYPE = 'application/json';

/**
 * MLflow's scoring protocol (`mlflow/pyfunc/scoring_server/__init__.py`): the same paths, statuses, media
 * types and bodies; `/livez` and `/readyz` beside them.
 */
export function createScoringApp(app: ScoringApp): HttpHandler {
  const routes: Readonly<
    Record<string, { readonly method: string; readonly handle: HttpHandler }>
  > = {
    '/ping': { method: 'GET', handle: () => answerHealth(app.pool) },
    '/health': { method: 'GET', handle: () => answerHealth(app.pool) },
    '/livez': { method: 'GET', handle: () => answerJson(200, '{"status":"ok"}') },
    '/readyz': { method: 'GET', handle: () => answerReadiness(app.pool) },
    '/metrics': { method: 'GET', handle: () => answerMetrics(app.metrics) },
    '/version': { method: 'GET', handle: () => answerJson(200, app.mlflowVersion) },
    '/invocations': { method: 'POST', handle: (request) => score(request, app) },
  };
  return (request) => {
    const route = routes[request.path];
    if (route === undefined) return answerUnknown(request.path, routes);
    if (request.method === route.method) return route.handle(request);
    const allow = { allow: route.method };
    return { ...answerJson(405, '{"detail":"Method Not Allowed"}'), headers: allow };
  };
}

/** The web server around MLflow's sends who wrote a slash too many to where they meant. */
function answerUnknown(path: string, routes: Readonly<Record<string, unknown>>): HttpAnswer {
  const meant = path.slice(0, -1);
  if (!path.endsWith('/') || routes[meant] === undefined) {
    return answerJson(404, '{"detail":"Not Found"}');
  }
  return { status: 307, headers: { location: meant }, body: '' };
}

/** Answers also what goes wrong, so that whoever wraps it sees every answer. */
export function answering(handler: HttpHandler): HttpHandler {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      return answerScoringError(error);
    }
  };
}

/** As MLflow's error answers look: `error_code` and `message`. */
export function answerScoringError(error: unknown): HttpAnswer {
  if (error instanceof RequestOverrun) {
    return answerJson(504, 'Request processing time exceeded limit');
  }
  const { code, message } =
    error instanceof MltsError
      ? error
      : new MltsError('INTERNAL_ERROR', 'an error inside of the server');
  const body = JSON.stringify({ error_code: code, message });
  if (error instanceof PoolBusy)
    return { ...answerJson(503, body), headers: { 'retry-after': '1' } };
  if (error instanceof BodyTooLarge) return answerJson(413, body);
  if (error instanceof InvalidInput) return answerJson(400, body);
  return answerJson(500, body);
}

/** By columns where that is certain to give the same, else the body goes to MLflow's own parser. */
async function score(
  { headers, body, signal }: HttpRequest,
  { pool, plan, isStrict, takesColumns }: ScoringApp,
): Promise<HttpAnswer> {
  const contentType = headers['content-type'] ?? null;
  const table = plan && isJson(contentType) ? readTable(body, plan) : undefined;
  if (isStrict && table && plan) checkCells(table, plan);
  const columns = table && plan && takesColumns ? toColumns(table, plan) : undefined;
  const quick = columns && (await pool.ask({ kind: 'columns', columns }, signal));
  const prediction = quick ?? (await pool.ask({ kind: 'body', contentType, body }, signal));
  if (prediction === undefined) throw new MltsError('INTERNAL_ERROR', 'the worker gave no answer');
  const { status, mediaType } = prediction;
  return { status, type: nameMediaType(mediaType), body: prediction.body };
}

async function answerMetrics(metrics: ScoringApp['metrics']): Promise<HttpAnswer> {
  if (metrics === undefined) return answerJson(404, '{"detail":"Not Found"}');
  return { status: 200, type: metrics.contentType, body: await metrics.render() };
}

/** With nothing behind it, or the one encoding that MLflow takes. */
function isJson(contentType: string | null): boolean {
  return contentType !== null && /^application\/json(; ?charset=(utf|UTF)-8)?$/.test(contentType);
}

/** The web server around MLflow's names the encoding of texts. */
function nameMediaType(type: string): string {
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}

function answerHealth({ isReady }: WorkerPool): HttpAnswer {
  return answerJson(isReady ? 200 : 404, '\n');
}

function answerReadiness({ isReady, waiting }: WorkerPool): HttpAnswer {
  const body = JSON.stringify({ status: isReady ? 'ready' : 'no worker is ready', waiting });
  return answerJson(isReady ? 200 : 503, body);
}

function answerJson(status: number, body: string): HttpAnswer {
  return { status, type: JSON_TYPE, body };
}
