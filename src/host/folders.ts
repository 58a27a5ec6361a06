import { realpathSync } from 'node:fs';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { answersAtOnce } from './disk-kind.ts';
import { explainCode } from './file-error.ts';

/**
 * Makes the folder and its parents where they are missing.
 *
 * @throws InvalidInput with the reason in words, and `hint`, where it cannot be made.
 */
export async function makeFolder(path: string, hint?: string): Promise<void> {
  try {
    await makeMissingParts(path);
  } catch (error) {
    throw new InvalidInput(`cannot make the folder ${path}: ${explainCode(error)}`, {
      hint,
      cause: error,
    });
  }
}

/** As `makeFolder`, but what is made is for this user alone: mirrors of private repositories lie there. */
export async function makePrivateFolder(path: string): Promise<void> {
  await makeMissingParts(path, 0o700);
}

/**
 * Node's own `recursive` never returns where the system answers ENOENT below a folder that is there, as
 * /proc and automounters do.
 */
async function makeMissingParts(path: string, mode = 0o777): Promise<void> {
  try {
    await makeUnlessThere(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Another process may have made the parent since, so that the second attempt decides.
    if (!(await isFolder(dirname(path)))) await makeMissingParts(dirname(path), mode);
    await makeUnlessThere(path, mode);
  }
}

async function makeUnlessThere(path: string, mode: number): Promise<void> {
  await mkdir(path, { mode }).catch(async (error: unknown) => {
    if (!(await isFolder(path))) throw error;
  });
}

/** Also false where nobody may look. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Removes a folder with all that is in it, or a file; it need not exist. A program that is just ending may still write to it. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Removes a folder as `removeFolder` does, but the file `last` after all else: while it is there, so is its folder. */
export async function removeFolderKeeping(path: string, last: string): Promise<void> {
  const names = await listNames(path);
  for (const name of names) if (name !== last) await removeFolder(join(path, name));
  await removeFolder(path);
}

/** False for what does not exist. */
export async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

/** Renames within one file system: whoever looks sees the whole folder or none. */
export async function moveFolder(from: string, to: string): Promise<void> {
  await rename(from, to);
}

/** Names of what is in the folder, sorted; empty where there is no such folder. */
export async function listNames(path: string): Promise<readonly string[]> {
  return (await readdir(path).catch(() => [])).sort();
}

/** Names of the regular files in the folder, links left out, sorted; empty where there is no such folder. */
export async function listFiles(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

/** Replaces every occurrence in a file, byte for byte, whatever else is in it; untouched files are not written. */
export async function replaceInFile(path: string, search: string, value: string): Promise<void> {
  const content = (await readFile(path)).toString('latin1');
  if (!content.includes(search)) return;
  await writeFile(path, content.replaceAll(search, value), 'latin1');
}

/** With all links followed; parts that are not there yet stay as they are written. */
export async function resolvePath(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return (await answersAtOnce(dirname(absolute)))
      ? realpathSync.native(absolute)
      : await realpath(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(await resolvePath(parent), basename(absolute));
  }
}

/** Whether a path is the folder or below it, when all links are followed: one may lead out. */
export async function isBelow(path: string, folder: string): Promise<boolean> {
  const [real, realFolder] = await Promise.all([resolvePath(path), resolvePath(folder)]);
  return isWithin(real, realFolder);
}

/** The same for two paths in which no links are left. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(join(folder, '/'));
}
