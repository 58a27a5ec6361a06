import pMap from 'p-map';
import { PROMPT_TAG } from '../prompt-filter.ts';
import { MOST_NAMES, type StoredModel, type StoredModelNames } from '../stored-names.ts';
import { listModelNames, modelFolder, readAliases, readModelHead } from './models.ts';
import { readVersions } from './versions.ts';

const FOLDERS_AT_ONCE = 16;

export async function openModelNamesInFolder(root: string): Promise<StoredModelNames> {
  return {
    listModels: (prefix) => listModels(root, prefix),
    async listVersions(name) {
      const folder = modelFolder(root, name);
      const versions = await readVersions(folder, name, await readAliases(folder));
      return versions.toReversed();
    },
    close: async () => {},
  };
}

/** Folders that hold no meta.yaml, or a damaged one, are passed over. */
async function listModels(root: string, prefix: string): Promise<readonly StoredModel[]> {
  const names = (await listModelNames(root)).filter((name) => name.startsWith(prefix));
  const heads = await pMap(
    names.slice(0, MOST_NAMES),
    (name) => readModelHead(root, name).catch(() => undefined),
    { concurrency: FOLDERS_AT_ONCE },
  );
  return heads
    .filter((head) => head !== undefined)
    .filter(({ tags }) => !tags.some(({ key, value }) => key === PROMPT_TAG && value === 'true'));
}
