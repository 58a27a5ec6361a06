import { lstat, readdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { explainCode } from './file-error.ts';

/** What was removed: regular files and links, and the bytes of the files. */
export interface Removal {
  readonly files: number;
  readonly sizeBytes: number;
}

const NOTHING: Removal = { files: 0, sizeBytes: 0 };

/**
 * Removes a file, or a folder with all that is in it; what is not there, or was removed by somebody else
 * meanwhile, is no error. A link is removed itself, what it leads to stays.
 *
 * @throws InvalidInput with the reason in words; the signal's reason when it is aborted.
 */
export async function removeTree(path: string, signal: AbortSignal): Promise<Removal> {
  signal.throwIfAborted();
  try {
    const found = await lstat(path);
    if (found.isDirectory()) return await removeFolderTree(path, signal);
    await unlink(path);
    return { files: 1, sizeBytes: found.isFile() ? found.size : 0 };
  } catch (error) {
    if (error instanceof InvalidInput || signal.aborted) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return NOTHING;
    throw new InvalidInput(`cannot remove ${path}: ${explainCode(error)}`, { cause: error });
  }
}

async function removeFolderTree(path: string, signal: AbortSignal): Promise<Removal> {
  let removed = NOTHING;
  for (const name of await readdir(path)) {
    const { files, sizeBytes } = await removeTree(join(path, name), signal);
    removed = { files: removed.files + files, sizeBytes: removed.sizeBytes + sizeBytes };
  }
  // Also what a process that is just ending has added since.
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return removed;
}
