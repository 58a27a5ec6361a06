import type { Param, Tag } from '../../core/entities.ts';
import type { LoggedModel, LoggedModelStatus } from '../../core/logged-model.ts';
import type { Page } from '../../core/page.ts';
import type { MlflowApi } from '../../host/http/mlflow-api.ts';
import { readList, readMessage, readText, type Wire } from '../../host/http/mlflow-message.ts';
import { parseFilter } from '../../search/filter.ts';
import { readPageRange } from '../../search/page.ts';
import { checkExperimentId, modelParamConflict, withoutRepeats } from '../limits.ts';
import { checkLoggedModelName, checkModelId, checkModelKeys } from '../logged-model-limits.ts';
import { makeRunName } from '../run-name.ts';
import { loggedModelLanguage, parseModelOrders } from '../search/logged-model-language.ts';
import type {
  LoggedModelOrder,
  LoggedModelSearch,
  LoggedModelStore,
  NewLoggedModel,
} from '../store.ts';
import { writeModelStatus } from '../wire.ts';
import { readLoggedModel } from './logged-model-wire.ts';

/** As many go with one request (`mlflow/store/tracking/rest_store.py`). */
const PARAMS_PER_REQUEST = 100;

/** Logged models of an MLflow server, 3 or later. */
export class RestLoggedModels implements LoggedModelStore {
  readonly #api: MlflowApi;

  constructor(api: MlflowApi) {
    this.#api = api;
  }

  async create(model: NewLoggedModel): Promise<LoggedModel> {
    const { name = makeRunName(), tags = [] } = model;
    checkLoggedModelName(name);
    checkModelKeys('tag', tags);
    checkModelKeys('param', model.params ?? []);
    const params = withoutRepeats(model.params ?? []);
    const [first, rest] = [params.slice(0, PARAMS_PER_REQUEST), params.slice(PARAMS_PER_REQUEST)];
    const answer = await this.#api.post('logged-models', {
      experiment_id: checkExperimentId(model.experimentId),
      name,
      tags,
      params: first,
      ...(model.modelType === undefined ? {} : { model_type: model.modelType }),
      ...(model.sourceRunId === undefined ? {} : { source_run_id: model.sourceRunId }),
    });
    const created = this.#read(answer);
    if (rest.length === 0) return created;
    await this.logParams(created.id, rest);
    return this.get(created.id);
  }

  async get(
    modelId: string,
    { findsDeleted = false }: { readonly findsDeleted?: boolean } = {},
  ): Promise<LoggedModel> {
    const query = findsDeleted ? { allow_deleted: 'true' } : {};
    return this.#read(await this.#api.get(placeOf(modelId), query));
  }

  async finalize(modelId: string, status: LoggedModelStatus): Promise<LoggedModel> {
    const body = { model_id: modelId, status: writeModelStatus(status) };
    return this.#read(await this.#api.patch(placeOf(modelId), body));
  }

  async delete(modelId: string): Promise<void> {
    await this.#api.delete(placeOf(modelId), { model_id: modelId });
  }

  async setTags(modelId: string, tags: readonly Tag[]): Promise<void> {
    checkModelKeys('tag', tags);
    await this.#api.patch(`${placeOf(modelId)}/tags`, { model_id: modelId, tags });
  }

  async deleteTag(modelId: string, key: string): Promise<void> {
    const place = `${placeOf(modelId)}/tags/${encodeURIComponent(key)}`;
    await this.#api.delete(place, { model_id: modelId, tag_key: key });
  }

  /** In as many requests as MLflow makes of it: what is more than one is not all or nothing. */
  async logParams(modelId: string, given: readonly Param[]): Promise<void> {
    const place = `${placeOf(modelId)}/params`;
    checkModelKeys('param', given);
    const params = withoutRepeats(given);
    for (let start = 0; start < params.length; start += PARAMS_PER_REQUEST) {
      const batch = params.slice(start, start + PARAMS_PER_REQUEST);
      await this.#api
        .post(place, { model_id: modelId, params: batch })
        .catch((error: unknown) => this.#acceptRepeats(modelId, batch, error));
    }
  }

  /** The server refuses a param that is there already, also with the value that it has. */
  async #acceptRepeats(modelId: string, batch: readonly Param[], error: unknown): Promise<void> {
    const { params } = await this.get(modelId, { findsDeleted: true });
    const stored = new Map(params.map(({ key, value }) => [key, value]));
    for (const { key, value } of batch) {
      const old = stored.get(key) ?? value;
      if (old !== value) throw modelParamConflict(modelId, key, old, value);
    }
    const missing = batch.filter(({ key }) => !stored.has(key));
    if (missing.length === batch.length) throw error;
    if (missing.length > 0) await this.logParams(modelId, missing);
  }

  /** The filter is parsed here first: a server stumbles over what it does not know, as if trying again could help. */
  async search(search: LoggedModelSearch): Promise<Page<LoggedModel>> {
    parseFilter(search.filter ?? '', loggedModelLanguage);
    parseModelOrders(search);
    const experimentIds = search.experimentIds.map(checkExperimentId);
    if (experimentIds.length === 0) return { items: [], nextPageToken: undefined };
    const body = { ...writeSearch(search), experiment_ids: experimentIds };
    const answer = await this.#api.post('logged-models/search', body, { isIdempotent: true });
    return {
      items: readList(answer.models).map((model) => readLoggedModel(model, this.#api.address)),
      nextPageToken: readText(answer.next_page_token) || undefined,
    };
  }

  #read(answer: Wire): LoggedModel {
    return readLoggedModel(readMessage(answer, 'model', this.#api.address), this.#api.address);
  }
}

function placeOf(modelId: string): string {
  return `logged-models/${checkModelId(modelId)}`;
}

function writeSearch(search: LoggedModelSearch): Wire {
  const { filter, orderBy = [], datasets = [], pageToken, maxResults } = search;
  return {
    max_results: readPageRange({ maxResults }).limit,
    ...(filter ? { filter } : {}),
    ...(datasets.length > 0 ? { datasets: datasets.map(writeDataset) } : {}),
    ...(orderBy.length > 0 ? { order_by: orderBy.map(writeOrder) } : {}),
    ...(pageToken ? { page_token: pageToken } : {}),
  };
}

function writeOrder({ field, isAscending, dataset }: LoggedModelOrder): Wire {
  return { field_name: field, ascending: isAscending, ...writeDataset(dataset) };
}

function writeDataset({ name, digest }: NonNullable<LoggedModelOrder['dataset']> = {}): Wire {
  return {
    ...(name === undefined ? {} : { dataset_name: name }),
    ...(digest === undefined ? {} : { dataset_digest: digest }),
  };
}
