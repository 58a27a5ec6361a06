import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { MLFLOW_VERSION } from '../core/mlflow-version.ts';
import type { HttpHandler } from '../http/server.ts';
import type { Endpoint } from './endpoint.ts';

/** What Prometheus is told of a tracking server. */
export interface ServerMetrics {
  /** `/metrics`, at the root whatever stands before all other paths. */
  readonly page: Endpoint;
  /** Counts and times what `handler` answers, but for probes. */
  measure(handler: HttpHandler): HttpHandler;
}

const PATH = '/metrics';
/** MLflow's, and two below them: most answers take less than its smallest. */
const SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** Under the names of `mlflow/server/prometheus_exporter.py`, which dashboards know. `prefix`: before all paths. */
export function createServerMetrics(prefix: string): ServerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const seconds = new Histogram({
    name: 'mlflow_http_request_duration_seconds',
    help: 'From the whole request to its answer, by method and status',
    labelNames: ['mlflow_version', 'method', 'status'],
    buckets: SECONDS,
    registers: [registry],
  });
  const requests = new Counter({
    name: 'mlflow_http_request_total',
    help: 'Requests by method and status',
    labelNames: ['method', 'status'],
    registers: [registry],
  });
  const probes = new Set([PATH, `${prefix}/health`, `${prefix}/version`]);
  return {
    page: {
      rpc: `page ${PATH}`,
      method: 'GET',
      path: PATH,
      version: '2.0',
      isForBrowsers: false,
      takesStream: false,
      read: () => ({}),
      answer: async () => ({
        status: 200,
        type: registry.contentType,
        body: await registry.metrics(),
      }),
    },
    measure: (handler) => async (request) => {
      if (probes.has(request.path)) return handler(request);
      const method = nameMethod(request.method);
      const stop = seconds.startTimer({ mlflow_version: MLFLOW_VERSION, method });
      const answer = await handler(request);
      stop({ status: answer.status });
      requests.inc({ method, status: answer.status });
      return answer;
    },
  };
}

const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
]);

/** A client must not make up series. */
function nameMethod(method: string): string {
  return METHODS.has(method) ? method : 'other';
}
