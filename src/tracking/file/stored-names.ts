import { join } from 'node:path';
import pMap from 'p-map';
import { listNames } from '../../host/folders.ts';
import { readMeta, readText, readTimeMs } from '../../host/meta-file.ts';
import { MOST_NAMES, type StoredName, type StoredNames } from '../stored-names.ts';
import { TRASH_FOLDER } from './experiments.ts';
import { readStage } from './meta.ts';

const FOLDERS_AT_ONCE = 16;
/** Files of a store are read one by one: of more runs only the first ones are looked at. */
const MOST_READ = 2_000;

/** `models` holds registered models. */
const NO_EXPERIMENTS = [TRASH_FOLDER, 'models'];

interface DatedName extends StoredName {
  readonly timeMs: number;
}

export async function openNamesInFolder(root: string): Promise<StoredNames> {
  return {
    listExperiments: async () => keepNewest(await readNames(await listExperimentFolders(root))),
    listRuns: (idPrefix) => listRuns(root, idPrefix),
    close: async () => {},
  };
}

async function listExperimentFolders(root: string): Promise<readonly string[]> {
  const names = (await listNames(root)).filter((name) => !NO_EXPERIMENTS.includes(name));
  return names.map((name) => join(root, name));
}

async function listRuns(root: string, idPrefix: string): Promise<readonly StoredName[]> {
  const inside = await pMap(
    await listExperimentFolders(root),
    async (folder) => (await listNames(folder)).map((id) => ({ id, folder: join(folder, id) })),
    { concurrency: FOLDERS_AT_ONCE },
  );
  const folders = inside.flat().filter(({ id }) => id.startsWith(idPrefix));
  return keepNewest(await readNames(folders.slice(0, MOST_READ).map(({ folder }) => folder)));
}

/** Folders that hold no meta.yaml, a damaged one, or something deleted are passed over. */
async function readNames(folders: readonly string[]): Promise<readonly DatedName[]> {
  const metas = await pMap(folders, (folder) => readMeta(folder).catch(() => undefined), {
    concurrency: FOLDERS_AT_ONCE,
  });
  return metas
    .filter((meta) => meta !== undefined)
    .filter((meta) => readStage(meta) === 'active')
    .map((meta) => ({
      id: readText(meta, 'run_id') || readText(meta, 'experiment_id'),
      name: readText(meta, 'run_name') || readText(meta, 'name'),
      timeMs: readTimeMs(meta, 'start_time') ?? readTimeMs(meta, 'creation_time') ?? 0,
    }));
}

function keepNewest(names: readonly DatedName[]): readonly StoredName[] {
  return [...names].sort((a, b) => b.timeMs - a.timeMs).slice(0, MOST_NAMES);
}
