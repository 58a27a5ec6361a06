import { randomUUID } from 'node:crypto';
import { constants, copyFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { explainCode } from './file-error.ts';
import { kindOf } from './files.ts';
import { listNames, makeFolder } from './folders.ts';

/**
 * Copies a file with its mode and time; it appears at `target` when all of it is there. Until then it
 * lies beside it under a name that starts with `prefix`. A file copied onto itself stays as it is.
 *
 * @throws InvalidInput with the reason in words.
 */
export async function copyWhole(source: string, target: string, prefix: string): Promise<void> {
  await makeFolder(dirname(target));
  if (await isSameFile(source, target)) return;
  const partial = join(dirname(target), `${prefix}${randomUUID()}`);
  try {
    await copyFile(source, partial, constants.COPYFILE_FICLONE);
    const { atime, mtime } = await stat(source);
    await utimes(partial, atime, mtime);
    await rename(partial, target);
  } catch (error) {
    throw placementError(target, error);
  } finally {
    await rm(partial, { force: true });
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/**
 * Moves a file, or what is in a folder, to where something may be already: folders are joined, a file
 * replaces one of its name. Both must be on one file system, so that each file appears whole.
 *
 * @throws InvalidInput where a folder stands in the way of a file, or a file in that of a folder.
 */
export async function mergeInto(arrived: string, target: string): Promise<void> {
  if ((await kindOf(arrived)) !== 'directory') {
    await rename(arrived, target).catch((error: unknown) => {
      throw placementError(target, error);
    });
    return;
  }
  await makeFolder(target);
  for (const name of await listNames(arrived)) {
    await mergeInto(join(arrived, basename(name)), join(target, basename(name)));
  }
}

function placementError(path: string, cause: unknown): InvalidInput {
  return new InvalidInput(`cannot write ${path}: ${explainCode(cause)}`, { cause });
}
