import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../folders.ts';
import { type BuildEntry, writeEntries } from './build-entries.ts';

/**
 * Writes a build context as a folder. What it consists of is made beside the folder first, and then
 * takes the place of what has its names there: a full disk, or an end half way, leaves the old one as it was.
 *
 * @throws InvalidInput where nothing can be written there.
 */
export async function replaceEntries(
  entries: readonly BuildEntry[],
  folder: string,
): Promise<void> {
  await makeFolder(folder);
  const temporary = await mkdtemp(join(dirname(folder), '.mlts-dockerfile-'));
  try {
    await writeEntries(entries, temporary);
    const names = new Set(entries.map(({ path }) => path.split('/')[0] ?? path));
    for (const name of names) {
      await rm(join(folder, name), { recursive: true, force: true });
      await rename(join(temporary, name), join(folder, name));
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
