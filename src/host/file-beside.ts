import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { explainCode } from './file-error.ts';

export interface FileBeside {
  /** Where to write it: in a folder of its own on the same file system, which is gone in the end. */
  readonly path: string;
  /** Puts it in place, over what may be there, when all of it is on the disk. */
  place(): Promise<void>;
}

/**
 * For files that something else than us writes: nothing is seen at `path` until `place` is called.
 *
 * @throws InvalidInput where nothing can be written beside `path`.
 */
export async function withFileBeside<T>(
  path: string,
  work: (file: FileBeside) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(dirname(path), `.${basename(path)}-`)).catch((error) => {
    throw new InvalidInput(`cannot write to ${dirname(path)}: ${explainCode(error)}`, {
      cause: error,
    });
  });
  const temporary = join(folder, basename(path));
  const place = async () => {
    await sync(temporary);
    await rename(temporary, path);
    await sync(dirname(path));
  };
  try {
    return await work({ path: temporary, place });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sync(path: string): Promise<void> {
  await using file = await open(path, 'r');
  await file.sync();
}
