import { InvalidInput, NotFound } from '../../core/errors.ts';
import type { ModelAlias, ModelVersion, RegisteredModel } from '../../core/model-registry.ts';
import type { Page } from '../../core/page.ts';
import type { MlflowApi } from '../../host/http/mlflow-api.ts';
import { readList, readMessage, readText, type Wire } from '../../host/http/mlflow-message.ts';
import type { FilterLanguage } from '../../search/clause.ts';
import { parseFilter } from '../../search/filter.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { readPageRange } from '../../search/page.ts';
import { modelLanguage, modelOrderLanguage } from '../model-language.ts';
import type { RegistrySearch } from '../store.ts';
import { versionLanguage, versionOrderLanguage } from '../version-language.ts';
import { readModelVersion, readRegisteredModel, withAliases } from './wire.ts';

const MODELS_AT_ONCE = 8;

/** The server parses the filter: it may know more of the language than we do. */
export async function searchModels(
  api: MlflowApi,
  search: RegistrySearch,
): Promise<Page<RegisteredModel>> {
  const languages = { filter: modelLanguage, order: modelOrderLanguage };
  const answer = await ask(api, 'registered-models/search', search, languages);
  return toPage(answer, readList(answer.registered_models).map(readRegisteredModel));
}

export async function searchVersions(
  api: MlflowApi,
  search: RegistrySearch,
): Promise<Page<ModelVersion>> {
  const languages = { filter: versionLanguage, order: versionOrderLanguage };
  const answer = await ask(api, 'model-versions/search', search, languages);
  const versions = readList(answer.model_versions).map(readModelVersion);
  const aliases = await readAliases(api, [...new Set(versions.map(({ name }) => name))]);
  return toPage(
    answer,
    versions.map((version) => withAliases(version, aliases.get(version.name) ?? [])),
  );
}

/** A search of versions answers without their aliases: the models know them. */
async function readAliases(
  api: MlflowApi,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly ModelAlias[]>> {
  const { default: pMap } = await import('p-map');
  const pairs = await pMap(names, async (name) => [name, await readAliasesOf(api, name)] as const, {
    concurrency: MODELS_AT_ONCE,
  });
  return new Map(pairs);
}

async function readAliasesOf(api: MlflowApi, name: string): Promise<readonly ModelAlias[]> {
  try {
    const answer = await api.get('registered-models/get', { name });
    return readRegisteredModel(readMessage(answer, 'registered_model', api.address)).aliases;
  } catch (error) {
    if (error instanceof NotFound) return []; // Deleted since.
    throw error;
  }
}

interface Languages {
  readonly filter: FilterLanguage;
  readonly order: FilterLanguage;
}

/** Where the server refuses the filter, our own parser says it better: it knows the character. */
async function ask(
  api: MlflowApi,
  endpoint: string,
  { filter = '', orderBy = [], maxResults, pageToken }: RegistrySearch,
  languages: Languages,
): Promise<Wire> {
  try {
    return await api.get(endpoint, {
      filter: filter || undefined,
      max_results: String(readPageRange({ maxResults }).limit),
      order_by: orderBy,
      page_token: pageToken,
    });
  } catch (error) {
    if (error instanceof InvalidInput) {
      parseFilter(filter, languages.filter);
      parseOrderBy(orderBy, languages.order);
    }
    throw error;
  }
}

function toPage<Item>(answer: Wire, items: readonly Item[]): Page<Item> {
  return { items, nextPageToken: readText(answer.next_page_token) || undefined };
}
