import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface FolderSize {
  readonly bytes: number;
  /** False where the time ran out: there is more. */
  readonly isWhole: boolean;
}

/**
 * Bytes of all files below a folder, links not followed, what is below `without` left out; 0 where there is
 * none, or nobody may look.
 */
export async function measureFolder(
  folder: string,
  timeoutMs: number,
  without?: string,
): Promise<FolderSize> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const bytes = await addUp(folder, deadline, without);
  return { bytes, isWhole: !deadline.aborted };
}

async function addUp(
  folder: string,
  deadline: AbortSignal,
  without: string | undefined,
): Promise<number> {
  if (deadline.aborted || folder === without) return 0;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(({ name }) => measureFile(join(folder, name))));
  let bytes = sizes.reduce((sum, size) => sum + size, 0);
  for (const entry of entries.filter((one) => one.isDirectory())) {
    bytes += await addUp(join(folder, entry.name), deadline, without);
  }
  return bytes;
}

/** 0 for what has gone since. */
async function measureFile(path: string): Promise<number> {
  return lstat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
