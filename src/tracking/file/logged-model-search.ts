import { join } from 'node:path';
import pMap from 'p-map';
import type { LoggedModel } from '../../core/logged-model.ts';
import type { Page } from '../../core/page.ts';
import { listNames } from '../../host/folders.ts';
import { parseFilter } from '../../search/filter.ts';
import { cutPage, readPageRange } from '../../search/page.ts';
import { checkExperimentId } from '../limits.ts';
import { loggedModelLanguage, parseModelOrders } from '../search/logged-model-language.ts';
import { compareLoggedModels, matchesLoggedModel } from '../search/logged-model-selection.ts';
import type { LoggedModelSearch } from '../store.ts';
import { findExperimentFolder } from './experiments.ts';
import {
  isDeletedModel,
  MODELS_FOLDER,
  readModelFolder,
  readModelMeta,
} from './logged-model-folder.ts';

const FOLDERS_AT_ONCE = 16;

/** One page of models (`mlflow/store/tracking/file_store.py`, `search_logged_models`). */
export async function searchLoggedModels(
  root: string,
  search: LoggedModelSearch,
): Promise<Page<LoggedModel>> {
  const range = readPageRange(search);
  const clauses = parseFilter(search.filter ?? '', loggedModelLanguage);
  const orders = parseModelOrders(search);
  const found: LoggedModel[] = [];
  for (const id of new Set(search.experimentIds)) {
    found.push(...(await readModels(root, checkExperimentId(id))));
  }
  const matching = found
    .filter((model) => matchesLoggedModel(model, clauses, search.datasets ?? []))
    .sort((a, b) => compareLoggedModels(a, b, orders));
  const end = range.offset + range.limit + 1;
  const { rows, nextPageToken } = cutPage(matching.slice(range.offset, end), range);
  return { items: rows, nextPageToken };
}

async function readModels(root: string, experimentId: string): Promise<readonly LoggedModel[]> {
  const experiment = await findExperimentFolder(root, experimentId);
  if (experiment === undefined) return [];
  const parent = join(experiment, MODELS_FOLDER);
  const read = (name: string) => readActiveModel(join(parent, name)).catch(() => undefined);
  const models = await pMap(await listNames(parent), read, { concurrency: FOLDERS_AT_ONCE });
  return models.filter((model) => model !== undefined);
}

async function readActiveModel(folder: string): Promise<LoggedModel | undefined> {
  const found = await readModelMeta(folder);
  return found === undefined || isDeletedModel(found) ? undefined : readModelFolder(found);
}
