import type { EvaluationDataset, Tag } from '../../core/entities.ts';
import { InvalidInput } from '../../core/errors.ts';
import type { Page } from '../../core/page.ts';
import type { MlflowApi } from '../../host/http/mlflow-api.ts';
import { readList, readText, readTimeMs, type Wire } from '../../host/http/mlflow-message.ts';
import { parseFilter } from '../../search/filter.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { readPageRange } from '../../search/page.ts';
import { checkRunId, checkTraceIds } from '../limits.ts';
import { datasetLanguage, datasetOrderLanguage } from '../search/dataset-language.ts';
import type { DatasetSearch, GenAiStore } from '../store.ts';

/** GenAI's part of a server (`mlflow/store/tracking/rest_store.py`). */
export class RestGenAiStore implements GenAiStore {
  readonly #api: MlflowApi;

  constructor(api: MlflowApi) {
    this.#api = api;
  }

  async searchDatasets(search: DatasetSearch): Promise<Page<EvaluationDataset>> {
    return searchDatasets(this.#api, search);
  }

  async linkTraces(runId: string, traceIds: readonly string[]): Promise<void> {
    const ids = [...new Set(checkTraceIds(traceIds))];
    // The server itself takes any id for that of a run.
    await this.#api.get('runs/get', { run_id: checkRunId(runId) });
    const body = { run_id: runId, trace_ids: ids };
    await this.#api.post('traces/link-to-run', body, { isIdempotent: true });
  }
}

async function searchDatasets(
  api: MlflowApi,
  search: DatasetSearch,
): Promise<Page<EvaluationDataset>> {
  const { experimentIds, filter = '', orderBy = [], maxResults, pageToken } = search;
  const body = {
    experiment_ids: experimentIds,
    max_results: readPageRange({ maxResults }).limit,
    ...(filter ? { filter_string: filter } : {}),
    ...(orderBy.length > 0 ? { order_by: orderBy } : {}),
    ...(pageToken ? { page_token: pageToken } : {}),
  };
  try {
    const answer = await api.post('datasets/search', body, { isIdempotent: true, version: '3.0' });
    const nextPageToken = readText(answer.next_page_token) || undefined;
    return { items: readList(answer.datasets).map(readDataset), nextPageToken };
  } catch (error) {
    if (error instanceof InvalidInput) {
      // Our own parser says it better: it knows the character.
      parseFilter(filter, datasetLanguage);
      parseOrderBy(orderBy, datasetOrderLanguage);
    }
    throw error;
  }
}

function readDataset(wire: Wire): EvaluationDataset {
  return {
    id: readText(wire.dataset_id),
    name: readText(wire.name),
    digest: readText(wire.digest),
    createdTimeMs: readTimeMs(wire.created_time),
    lastUpdateTimeMs: readTimeMs(wire.last_update_time),
    createdBy: readOptional(wire.created_by),
    lastUpdatedBy: readOptional(wire.last_updated_by),
    tags: readTags(readText(wire.tags)),
  };
}

function readOptional(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : readText(value);
}

/** They come as the text of a JSON object. */
function readTags(text: string): readonly Tag[] {
  if (text === '') return [];
  const tags = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return Object.entries(tags).map(([key, value]) => ({ key, value: readText(value) }));
}
