import pMap from 'p-map';
import type { ModelVersion, RegisteredModel } from '../../core/model-registry.ts';
import type { Page } from '../../core/page.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { cutPage, type PageRange, readPageRange } from '../../search/page.ts';
import { MOST_MODELS, MOST_VERSIONS } from '../limits.ts';
import { modelLanguage, modelOrderLanguage } from '../model-language.ts';
import { type PromptFilter, parsePromptFilter } from '../prompt-filter.ts';
import { compareSearched, matches, mayMatchName, type Searched } from '../selection.ts';
import type { RegistrySearch } from '../store.ts';
import { VERSION_ORDER, versionLanguage, versionOrderLanguage } from '../version-language.ts';
import {
  completeModel,
  listModelNames,
  type ModelHead,
  readAliases,
  readModelHead,
} from './models.ts';
import { readWrittenVersions, type WrittenVersion } from './versions.ts';

const MODELS_AT_ONCE = 8;

/** One page of models (`mlflow/store/model_registry/file_store.py`, `search_registered_models`). */
export async function searchModels(
  root: string,
  search: RegistrySearch,
): Promise<Page<RegisteredModel>> {
  const range = readPageRange(search, MOST_MODELS);
  const filter = parsePromptFilter(search.filter ?? '', modelLanguage);
  const orders = parseOrderBy(search.orderBy ?? [], modelOrderLanguage);
  const found = (await readHeads(root, filter))
    .map((head) => ({ head, attributes: describeHead(head), tags: head.tags }))
    .filter((candidate) => matches(candidate, filter))
    .sort((a, b) => compareSearched(a.attributes, b.attributes, orders));
  const { rows, nextPageToken } = takePage(found, range);
  const items = await pMap(rows, ({ head }) => completeModel(head), {
    concurrency: MODELS_AT_ONCE,
  });
  return { items, nextPageToken };
}

/** One page of versions, deleted ones left out (as above, `search_model_versions`). */
export async function searchVersions(
  root: string,
  search: RegistrySearch,
): Promise<Page<ModelVersion>> {
  const range = readPageRange(search, MOST_VERSIONS);
  const filter = parsePromptFilter(search.filter ?? '', versionLanguage);
  const asked = search.orderBy?.length ? search.orderBy : VERSION_ORDER;
  const orders = parseOrderBy(asked, versionOrderLanguage);
  const versions = await pMap(await readHeads(root, filter), readVersionsOf, {
    concurrency: MODELS_AT_ONCE,
  });
  const found = versions
    .flat()
    .map((written) => ({ version: written.version, ...describeVersion(written) }))
    .filter((candidate) => matches(candidate, filter))
    .sort((a, b) => compareSearched(a.attributes, b.attributes, orders));
  const { rows, nextPageToken } = takePage(found, range);
  return { items: rows.map(({ version }) => version), nextPageToken };
}

/** Of the models whose name fits. */
async function readHeads(root: string, { clauses }: PromptFilter): Promise<readonly ModelHead[]> {
  const names = (await listModelNames(root)).filter((name) => mayMatchName(name, clauses));
  const heads = await pMap(names, (name) => readModelHead(root, name), {
    concurrency: MODELS_AT_ONCE,
  });
  return heads.filter((head) => head !== undefined);
}

async function readVersionsOf({ folder, name }: ModelHead): Promise<readonly WrittenVersion[]> {
  return readWrittenVersions(folder, name, await readAliases(folder));
}

/** An empty id of a run, which servers write where no run was named, is a text as any other. */
function describeVersion({ version, meta }: WrittenVersion): Searched {
  const readText = (key: string) => (meta[key] == null ? undefined : String(meta[key]));
  return {
    attributes: {
      name: version.name,
      version_number: version.version,
      run_id: readText('run_id'),
      source_path: readText('source'),
      creation_timestamp: version.creationTimeMs,
      last_updated_timestamp: version.lastUpdateTimeMs,
    },
    tags: version.tags,
  };
}

function describeHead({ name, creationTimeMs, lastUpdateTimeMs }: ModelHead) {
  return {
    name,
    creation_timestamp: creationTimeMs,
    last_updated_timestamp: lastUpdateTimeMs,
  };
}

function takePage<Row>(rows: readonly Row[], range: PageRange) {
  return cutPage(rows.slice(range.offset, range.offset + range.limit + 1), range);
}
