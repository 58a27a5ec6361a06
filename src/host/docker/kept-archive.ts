import { createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { withPartialFolder } from '../file-transfer.ts';
import { makeFolder } from '../folders.ts';
import { type BuildEntry, packEntries } from './build-entries.ts';

/** After a week in which nobody has asked for it an archive goes. */
const KEPT_MS = 7 * 24 * 3_600_000;

/**
 * The archive of that name in `folder`: made where it is not there, and kept for the next time. It is
 * there when all of it is written, never before.
 *
 * @param list its entries; it may put files of its own below `workplace`, which goes when they are packed.
 */
export async function keepArchive(
  folder: string,
  name: string,
  list: (workplace: string) => Promise<readonly BuildEntry[]>,
): Promise<string> {
  const archive = join(folder, `${name}.tar`);
  if (await touch(archive)) return archive;
  await makeFolder(folder);
  await withPartialFolder(folder, async (workplace) => {
    const packed = join(workplace, 'packed.tar');
    await pipeline(await packEntries(await list(workplace)), createWriteStream(packed));
    await rename(packed, archive);
  });
  await removeUnused(folder);
  return archive;
}

/** Whether it is there; then it stays for longer. */
async function touch(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

/** Also what killed processes left. */
async function removeUnused(folder: string): Promise<void> {
  const oldest = Date.now() - KEPT_MS;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const status = await stat(path).catch(() => undefined);
    if (status !== undefined && status.mtimeMs < oldest) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
