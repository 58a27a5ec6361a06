import { randomUUID } from 'node:crypto';
import { chmod, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { InvalidInput, MltsError } from '../core/errors.ts';
import { explainCode } from './file-error.ts';
import { receiveFile } from './file-transfer.ts';
import { makeFolder } from './folders.ts';

const FILE_MODE = 0o666;

/**
 * Writes what a stream delivers; it appears at `target` when all of it is there, in place of what was there.
 * Until then it lies beside it under a name that starts with `prefix`, and is gone when the stream breaks off.
 *
 * @throws MltsError INTERNAL_ERROR for a full disk; InvalidInput where `target` cannot be a file; the stream's
 * own error, or the signal's reason, as it is.
 */
export async function receiveWhole(
  target: string,
  stream: Readable,
  { prefix, signal }: { readonly prefix: string; readonly signal: AbortSignal },
): Promise<void> {
  const partial = join(dirname(target), `${prefix}${randomUUID()}`);
  try {
    await makeFolder(dirname(target));
    await receiveFile(partial, stream, { offset: 0, signal, onChunk: () => {} });
    await chmod(partial, FILE_MODE & ~process.umask());
    await rename(partial, target);
  } catch (error) {
    throw explainArrival(error);
  } finally {
    await rm(partial, { force: true });
  }
}

/** The path is the server's own, and is not for those who send: only the reason is told. */
function explainArrival(error: unknown): unknown {
  const cause = error instanceof InvalidInput ? error.cause : error;
  const { code, syscall } = (cause ?? {}) as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new MltsError('INTERNAL_ERROR', `cannot keep the file: ${explainCode(cause)}`, {
      cause,
    });
  }
  if (syscall === undefined || code === 'ECONNRESET') return error;
  return new InvalidInput(`cannot keep the file: ${explainCode(cause)}`, { cause });
}

export interface FileState {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Of a file, links followed; undefined where there is none. */
export async function describeFile(path: string): Promise<FileState | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? { sizeBytes: found.size, modifiedMs: found.mtimeMs } : undefined;
}
