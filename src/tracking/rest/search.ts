import type { Experiment, Run } from '../../core/entities.ts';
import { InvalidInput } from '../../core/errors.ts';
import type { Page } from '../../core/page.ts';
import type { MlflowApi } from '../../host/http/mlflow-api.ts';
import { readList, readText, type Wire } from '../../host/http/mlflow-message.ts';
import type { FilterLanguage } from '../../search/clause.ts';
import { parseFilter } from '../../search/filter.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { readPageRange } from '../../search/page.ts';
import { checkExperimentId } from '../limits.ts';
import { experimentLanguage } from '../search/experiment-language.ts';
import { runLanguage } from '../search/run-language.ts';
import type { ExperimentSearch, RunSearch } from '../store.ts';
import { readExperiment, readRun } from './wire.ts';

/** The server parses the filter: it may know more of the language than we do. */
export async function searchExperiments(
  api: MlflowApi,
  search: ExperimentSearch,
): Promise<Page<Experiment>> {
  const body = { ...writeSearch(search), view_type: search.view.toUpperCase() };
  const answer = await post(api, 'experiments/search', body, search, experimentLanguage);
  return toPage(answer, readList(answer.experiments).map(readExperiment));
}

export async function searchRuns(api: MlflowApi, search: RunSearch): Promise<Page<Run>> {
  const experimentIds = search.experimentIds.map(checkExperimentId);
  if (experimentIds.length === 0) return { items: [], nextPageToken: undefined };
  const body = {
    ...writeSearch(search),
    experiment_ids: experimentIds,
    run_view_type: search.view.toUpperCase(),
  };
  const answer = await post(api, 'runs/search', body, search, runLanguage);
  return toPage(
    answer,
    readList(answer.runs).map((run) => readRun(run, api.address)),
  );
}

function writeSearch(search: ExperimentSearch): Wire {
  const { filter, orderBy = [], pageToken } = search;
  return {
    max_results: readPageRange({ maxResults: search.maxResults }).limit,
    ...(filter ? { filter } : {}),
    ...(orderBy.length > 0 ? { order_by: orderBy } : {}),
    ...(pageToken ? { page_token: pageToken } : {}),
  };
}

/** Where the server refuses the filter, our own parser says it better: it knows the character. */
async function post(
  api: MlflowApi,
  endpoint: string,
  body: Wire,
  { filter = '', orderBy = [] }: ExperimentSearch,
  language: FilterLanguage,
): Promise<Wire> {
  try {
    return await api.post(endpoint, body, { isIdempotent: true });
  } catch (error) {
    if (error instanceof InvalidInput) {
      parseFilter(filter, language);
      parseOrderBy(orderBy, language);
    }
    throw error;
  }
}

function toPage<Item>(answer: Wire, items: readonly Item[]): Page<Item> {
  return { items, nextPageToken: readText(answer.next_page_token) || undefined };
}
