import { join } from 'node:path';
import type { Tag } from '../core/entities.ts';
import { listFilesBelow } from './file-tree.ts';
import { readTextIfPresent } from './files.ts';

/** A folder with a file for each key, a `/` in the key being a folder; sorted by key. */
export async function readValues(folder: string): Promise<readonly Tag[]> {
  const keys = await listFilesBelow(folder);
  return Promise.all(
    keys.map(async (key) => ({ key, value: (await readTextIfPresent(join(folder, key))) ?? '' })),
  );
}
