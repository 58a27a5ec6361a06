import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** Paths of the regular files below a folder, relative to it, with `/`; empty where there is no such folder. */
export async function listFilesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/**
 * Writes a file whole or not at all, its folder made where it is missing. It is written below `staging`
 * first, a folder of the same file system that nobody lists, and then renamed.
 */
export async function placeFile(path: string, text: string, staging: string): Promise<void> {
  const temporary = await mkdtemp(join(staging, '.writing-'));
  try {
    await writeFile(join(temporary, 'file'), text);
    await mkdir(dirname(path), { recursive: true });
    await rename(join(temporary, 'file'), path);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Makes a folder that appears with all that `fill` writes into it, or not at all; the folder above it is
 * made where it is missing. Staged as `placeFile` does it. Returns false where something has the name.
 */
export async function placeFolder(
  path: string,
  staging: string,
  fill: (folder: string) => Promise<void>,
): Promise<boolean> {
  const temporary = await mkdtemp(join(staging, '.writing-'));
  try {
    // Not the temporary folder itself, which is for this user alone.
    const folder = join(temporary, 'folder');
    await mkdir(folder);
    await fill(folder);
    await mkdir(dirname(path), { recursive: true });
    return await renameUnlessThere(folder, path);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** An empty folder counts as nothing. */
async function renameUnlessThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(code)) return false;
    throw error;
  }
}

/** Removes a folder: whoever looks sees all of it or none. `staging` as in `placeFile`. */
export async function removeWhole(path: string, staging: string): Promise<void> {
  const temporary = await mkdtemp(join(staging, '.removing-'));
  try {
    await rename(path, join(temporary, 'folder'));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Copies what is in a folder into another one that is there. */
export async function copyContents(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
}

/** Appends in one write, which other processes' appends do not tear; the folder is made where it is missing. */
export async function appendText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await appendFile(path, text);
}

/** Removes a file. Returns false where there is none. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
