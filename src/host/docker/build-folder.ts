import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InvalidInput } from '../../core/errors.ts';
import { kindOf, readTextIfPresent } from '../files.ts';
import { makeFolder } from '../folders.ts';
import { type BuildEntry, writeEntries } from './build-entries.ts';

/**
 * Writes a build context as a folder. What it consists of is made beside the folder first, and then
 * takes the place of what has its names there: a full disk, or an end half way, leaves the old one as it was.
 *
 * @param isOurs tells by the Dockerfile that is there whether the folder was made in this way: no other is touched.
 * @throws InvalidInput where nothing can be written there, or where somebody else's files have these names.
 */
export async function replaceEntries(
  entries: readonly BuildEntry[],
  folder: string,
  isOurs: (dockerfile: string) => boolean,
): Promise<void> {
  const names = new Set(entries.map(({ path }) => path.split('/')[0] ?? path));
  await refuseStrangers(names, folder, isOurs);
  await makeFolder(folder);
  const temporary = await mkdtemp(join(dirname(folder), '.mlts-dockerfile-'));
  try {
    await writeEntries(entries, temporary);
    for (const name of names) {
      await rm(join(folder, name), { recursive: true, force: true });
      await rename(join(temporary, name), join(folder, name));
    }
  } catch (error) {
    throw explainFull(error, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function refuseStrangers(
  names: ReadonlySet<string>,
  folder: string,
  isOurs: (dockerfile: string) => boolean,
): Promise<void> {
  if (isOurs((await readTextIfPresent(join(folder, 'Dockerfile'))) ?? '')) return;
  for (const name of names) {
    if ((await kindOf(join(folder, name))) === undefined) continue;
    throw new InvalidInput(`${join(folder, name)} is there already, and mlts did not write it`, {
      hint: 'choose another folder: -d FOLDER',
    });
  }
}

function explainFull(error: unknown, folder: string): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') return error;
  return new InvalidInput(`the disk of ${folder} is full: nothing was written`, {
    hint: 'free some space, or choose a folder on another disk: -d FOLDER',
    cause: error,
  });
}
