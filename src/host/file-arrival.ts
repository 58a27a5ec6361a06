import { randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { InvalidInput, MltsError } from '../core/errors.ts';
import { answersAtOnce } from './disk-kind.ts';
import { explainCode } from './file-error.ts';
import { makeFolder } from './folders.ts';
import { GatheringWriter } from './gathering-writer.ts';
import { joinStart, readStart } from './stream-start.ts';

/** So much is written in less time than another thread takes to wake up. */
const SMALL_BYTES = 64 * 1024;

/**
 * Writes what a stream delivers; it appears at `target` when all of it is there, in place of what was there.
 * Until then it lies beside it under a name that starts with `prefix`, and is gone when the stream breaks off. The
 * stream is left as it is where the file cannot be written.
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
  addAbortSignal(signal, stream);
  try {
    const start = await readStart(stream, SMALL_BYTES);
    if (start.isWhole && (await answersAtOnce(dirname(target)))) {
      signal.throwIfAborted();
      await inFolder(partial, () => writeFileSync(partial, start.bytes, { flag: 'wx' }));
      renameSync(partial, target);
    } else {
      const file = await inFolder(partial, () => open(partial, 'wx'));
      await pour(joinStart(start.bytes, stream), file);
      await rename(partial, target);
    }
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    signal.throwIfAborted();
    throw explainArrival(error);
  }
}

/** Begins a file; nearly always its folder is there: only where it is not, that costs anything. */
async function inFolder<T>(path: string, begin: () => T | Promise<T>): Promise<T> {
  try {
    return await begin();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await makeFolder(dirname(path));
    return begin();
  }
}

async function pour(chunks: AsyncIterable<Buffer>, opened: FileHandle): Promise<void> {
  await using file = opened;
  const writer = new GatheringWriter(file, 0);
  try {
    for await (const chunk of chunks) await writer.write(chunk);
  } finally {
    await writer.flush();
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
