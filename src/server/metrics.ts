import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { HttpHandler } from '../http/server.ts';
import type { Endpoint } from './endpoint.ts';

/** What Prometheus is told of a tracking server. */
export interface ServerMetrics {
  /** `/metrics` */
  readonly page: Endpoint;
  /** Counts and times what `handler` answers. */
  measure(handler: HttpHandler): HttpHandler;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createServerMetrics(): ServerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const seconds = new Histogram({
    name: 'mlts_http_request_duration_seconds',
    help: 'From the whole request to its answer, by method and status',
    labelNames: ['method', 'status'],
    buckets: SECONDS,
    registers: [registry],
  });
  return {
    page: {
      rpc: 'page /metrics',
      method: 'GET',
      path: '/metrics',
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
      const stop = seconds.startTimer({ method: nameMethod(request.method) });
      const answer = await handler(request);
      stop({ status: answer.status });
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
