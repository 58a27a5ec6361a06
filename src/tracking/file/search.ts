import { basename, join } from 'node:path';
import pMap from 'p-map';
import type { Experiment, Run } from '../../core/entities.ts';
import type { Page } from '../../core/page.ts';
import { listNames } from '../../host/folders.ts';
import { readMeta } from '../../host/meta-file.ts';
import { parseFilter } from '../../search/filter.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { cutPage, readPageRange } from '../../search/page.ts';
import { checkExperimentId } from '../limits.ts';
import { experimentLanguage } from '../search/experiment-language.ts';
import { EXPERIMENT_ORDER } from '../search/experiment-order.ts';
import { compareExperiments, matchesExperiment } from '../search/experiment-selection.ts';
import { runLanguage } from '../search/run-language.ts';
import { type Candidate, compareRuns, matchesRun, needsLinks } from '../search/run-selection.ts';
import { listStages } from '../search/view.ts';
import type { ExperimentSearch, RunScan, RunSearch, View } from '../store.ts';
import {
  findExperimentFolder,
  listExperimentFolders,
  readExperimentFolder,
} from './experiments.ts';
import { readRunFolder, toRunInfo } from './run-folder.ts';
import { readRunLinks } from './run-links.ts';

const FOLDERS_AT_ONCE = 16;

/** One page of experiments (`mlflow/store/tracking/file_store.py`, `search_experiments`). */
export async function searchExperiments(
  root: string,
  search: ExperimentSearch,
): Promise<Page<Experiment>> {
  const clauses = parseFilter(search.filter ?? '', experimentLanguage);
  const asked = search.orderBy?.length ? search.orderBy : EXPERIMENT_ORDER;
  const orders = parseOrderBy(asked, experimentLanguage);
  const stages = listStages(search.view);
  const all = await pMap(
    await listExperimentFolders(root),
    // A folder that cannot be read is passed over, as MLflow does.
    (folder) => readExperimentFolder(folder).catch(() => undefined),
    { concurrency: FOLDERS_AT_ONCE },
  );
  const found = all
    .filter((experiment) => experiment !== undefined)
    .filter(({ lifecycleStage }) => stages.includes(lifecycleStage))
    .filter((experiment) => matchesExperiment(experiment, clauses))
    .sort((a, b) => compareExperiments(a, b, orders));
  return takePage(found, search);
}

/** One page of runs (`mlflow/store/tracking/file_store.py`, `_search_runs`). */
export async function searchRuns(root: string, search: RunSearch): Promise<Page<Run>> {
  return takePage(await findRuns(root, { ...search, maxResults: undefined }), search);
}

/** All runs of a search, in its order. */
export async function findRuns(root: string, search: RunScan): Promise<readonly Run[]> {
  const clauses = parseFilter(search.filter ?? '', runLanguage);
  const orders = parseOrderBy(search.orderBy ?? [], runLanguage);
  const found: Run[] = [];
  for (const id of new Set(search.experimentIds)) {
    const runs = await readRuns(root, checkExperimentId(id), search.view, needsLinks(clauses));
    found.push(...runs.filter((candidate) => matchesRun(candidate, clauses)).map(({ run }) => run));
  }
  return found.sort((a, b) => compareRuns(a, b, orders)).slice(0, search.maxResults);
}

function takePage<Item>(items: readonly Item[], search: ExperimentSearch): Page<Item> {
  const range = readPageRange(search);
  const { rows, nextPageToken } = cutPage(
    items.slice(range.offset, range.offset + range.limit + 1),
    range,
  );
  return { items: rows, nextPageToken };
}

async function readRuns(
  root: string,
  experimentId: string,
  view: View,
  withLinks: boolean,
): Promise<readonly Candidate[]> {
  const folder = await findExperimentFolder(root, experimentId);
  if (folder === undefined) return [];
  const names = await listNames(folder);
  const read = (name: string) => readRun(join(folder, name), folder, view, withLinks);
  const runs = await pMap(names, read, { concurrency: FOLDERS_AT_ONCE });
  return runs.filter((run) => run !== undefined);
}

/** Undefined for what is no run of this experiment, or is not to be seen. */
async function readRun(
  folder: string,
  experimentFolder: string,
  view: View,
  withLinks: boolean,
): Promise<Candidate | undefined> {
  const meta = await readMeta(folder).catch(() => undefined);
  if (meta === undefined) return undefined;
  const info = toRunInfo(meta);
  const isHere = info.id === basename(folder) && info.experimentId === basename(experimentFolder);
  if (!isHere || !listStages(view).includes(info.lifecycleStage)) return undefined;
  const links = withLinks ? await readRunLinks(folder, experimentFolder) : undefined;
  return { run: await readRunFolder(folder, info), links };
}
