import type { Metric } from '../../core/entities.ts';
import { InvalidInput, NotFound } from '../../core/errors.ts';
import { checkKey } from '../../core/key.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { checkRunId } from '../../tracking/limits.ts';
import type { TrackingStore } from '../../tracking/store.ts';
import { writeDouble, writeMetric } from '../../tracking/wire.ts';
import { requiredText, text } from '../checks.ts';
import { type Endpoint, rpc, type Wire } from '../endpoint.ts';
import { sampleEvenly } from '../metric-sample.ts';
import type { Services } from '../services.ts';
import { writeList, writeToken } from '../wire.ts';

/** More than any metric has: a request without a limit is answered whole. */
const ALL = 1_000_000_000;
const MOST_SAMPLED = 2_500;
const MOST_RUNS = 100;
const MOST_IN_BULK = 25_000;

export function listMetricEndpoints({ tracking }: Services): readonly Endpoint[] {
  return [listHistory(tracking), listBulk(tracking), listSample(tracking)];
}

function listHistory(tracking: TrackingStore): Endpoint {
  return rpc({
    rpc: 'getMetricHistory',
    method: 'GET',
    path: '/mlflow/metrics/get-history',
    fields: {
      run_id: 'string',
      run_uuid: 'string',
      metric_key: 'string',
      page_token: 'string',
      max_results: 'int32',
    },
    checks: { run_id: requiredText, metric_key: requiredText, page_token: text },
    handle: async (message, { signal }) => {
      const { max_results: maxResults = ALL, page_token: pageToken } = message;
      if (maxResults <= 0) throw new InvalidInput(`\`max_results\` is ${maxResults}: at least 1`);
      const runId = message.run_id || message.run_uuid || '';
      const key = message.metric_key ?? '';
      const page = await readPage(tracking, runId, key, { maxResults, pageToken, signal });
      return {
        ...writeList('metrics', page.items, writeMetric),
        ...writeToken(page.nextPageToken),
      };
    },
  });
}

/** For pages that draw many runs at once; MLflow has it for browsers only. */
function listBulk(tracking: TrackingStore): Endpoint {
  return rpc({
    rpc: 'getMetricHistoryBulk',
    method: 'GET',
    path: '/mlflow/metrics/get-history-bulk',
    isForBrowsers: true,
    fields: { run_id: ['string'], metric_key: 'string', max_results: 'int32' },
    handle: async (
      { run_id: runIds = [], metric_key: key, max_results: asked = MOST_IN_BULK },
      { signal },
    ) => {
      checkRuns(runIds);
      if (key === undefined) throw new InvalidInput('`metric_key` is missing');
      const maxResults = Math.min(asked, MOST_IN_BULK);
      const found: Wire[] = [];
      for (const runId of runIds.toSorted()) {
        const page = { maxResults: maxResults - found.length, signal };
        const { items: history } = await readPage(tracking, runId, key, page);
        found.push(...history.map((metric) => writeOfRun(metric, runId)));
        if (found.length >= maxResults) break;
      }
      return { metrics: found };
    },
  });
}

function listSample(tracking: TrackingStore): Endpoint {
  return rpc({
    rpc: 'getMetricHistoryBulkInterval',
    method: 'GET',
    path: '/mlflow/metrics/get-history-bulk-interval',
    fields: {
      run_ids: ['string'],
      metric_key: 'string',
      start_step: 'int32',
      end_step: 'int32',
      max_results: 'int32',
    },
    checks: {
      run_ids: { kind: 'strings', isRequired: true },
      metric_key: requiredText,
      start_step: { kind: 'integer' },
      end_step: { kind: 'integer' },
      max_results: { kind: 'integer', most: MOST_SAMPLED },
    },
    handle: async (message, { signal }) => {
      const {
        run_ids: runIds = [],
        metric_key: key = '',
        max_results: count = MOST_SAMPLED,
      } = message;
      checkRuns(runIds);
      if (count < 1) throw new InvalidInput(`\`max_results\` is ${count}: at least 1`);
      const isWithin = readInterval(message.start_step, message.end_step);
      const found: Wire[] = [];
      for (const runId of runIds) {
        const history = await readPage(tracking, runId, key, { maxResults: ALL, signal });
        const sample = sampleEvenly(history.items.filter(isWithin), count);
        found.push(...sample.map((metric) => writeOfRun(metric, runId)));
      }
      return writeList('metrics', found, (metric) => metric);
    },
  });
}

function checkRuns(runIds: readonly string[]): void {
  if (runIds.length === 0) throw new InvalidInput('no run is named');
  if (runIds.length > MOST_RUNS) {
    throw new InvalidInput(`${runIds.length} runs are too many: at most ${MOST_RUNS}`);
  }
}

function readInterval(start: number | undefined, end: number | undefined) {
  if ((start === undefined) !== (end === undefined)) {
    throw new InvalidInput('`start_step` and `end_step` go together');
  }
  if (start === undefined || end === undefined) return () => true;
  if (start > end) throw new InvalidInput(`\`end_step\` ${end} is before \`start_step\` ${start}`);
  return ({ step }: Metric) => step >= start && step <= end;
}

/** A run that is not there has no history. */
async function readPage(
  tracking: TrackingStore,
  runId: string,
  key: string,
  request: PageRequest,
): Promise<Page<Metric>> {
  if (!mayBeThere(runId, key)) return { items: [], nextPageToken: undefined };
  try {
    return await tracking.getMetricHistory(runId, key, request);
  } catch (error) {
    if (error instanceof NotFound) return { items: [], nextPageToken: undefined };
    throw error;
  }
}

/** No run has such an id, no metric such a name. */
function mayBeThere(runId: string, key: string): boolean {
  try {
    checkRunId(runId);
    checkKey('metric', key);
    return true;
  } catch {
    return false;
  }
}

function writeOfRun({ key, value, timestampMs, step }: Metric, runId: string): Wire {
  return { key, value: writeDouble(value), timestamp: timestampMs, step, run_id: runId };
}
