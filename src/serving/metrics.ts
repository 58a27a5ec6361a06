import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { HttpHandler } from '../http/server.ts';
import type { PoolEvent, WorkerPool } from './pool.ts';
import type { WorkerInfo } from './worker.ts';

export interface ServedModel {
  /** As it was asked for; credentials are masked. */
  readonly uri: string;
  readonly modelId: string;
  readonly info: WorkerInfo;
}

/** What Prometheus is told of a scoring server. */
export interface ScoringMetrics {
  readonly contentType: string;
  render(): Promise<string>;
  /** Counts and times what `handler` answers at `/invocations`. */
  measure(handler: HttpHandler): HttpHandler;
  countEvent(event: PoolEvent): void;
  countBatch(rows: number): void;
  /** Says which model is served, and by whom, once that is known. */
  describe(model: ServedModel, pool: WorkerPool): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];

export function createScoringMetrics(): ScoringMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'mlts_requests_total',
    help: 'Requests for predictions, by status',
    labelNames: ['status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'mlts_request_duration_seconds',
    help: 'From the whole request to the whole answer',
    buckets: SECONDS,
    registers,
  });
  const rows = new Histogram({
    name: 'mlts_batch_rows',
    help: 'Rows that were predicted at once, of requests that were read as columns',
    buckets: ROWS,
    registers,
  });
  const events = new Counter({
    name: 'mlts_worker_events_total',
    help: 'Workers that were lost, replaced, or given up at a request that took too long',
    labelNames: ['event'],
    registers,
  });
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    measure: (handler) => async (request) => {
      if (request.path !== '/invocations') return handler(request);
      const stop = seconds.startTimer();
      const answer = await handler(request);
      stop();
      requests.inc({ status: answer.status });
      return answer;
    },
    countEvent: ({ kind }) => events.inc({ event: kind }),
    countBatch: (count) => rows.observe(count),
    describe: (model, pool) => describe(model, pool, registers),
  };
}

function describe(
  { uri, modelId, info }: ServedModel,
  pool: WorkerPool,
  registers: Registry[],
): void {
  new Gauge({
    name: 'mlts_queue_length',
    help: 'Requests that wait for a worker',
    registers,
    collect() {
      this.set(pool.waiting);
    },
  });
  new Gauge({
    name: 'mlts_workers_ready',
    help: 'Workers that have the model loaded',
    registers,
    collect() {
      this.set(pool.ready);
    },
  });
  new Gauge({
    name: 'mlts_model_info',
    help: 'The model that is served',
    labelNames: ['uri', 'model_id', 'mlflow_version'],
    registers,
  })
    .labels(uri, modelId, info.mlflow)
    .set(1);
}
