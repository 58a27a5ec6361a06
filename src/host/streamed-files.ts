import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { InvalidInput } from '../core/errors.ts';
import { receiveFile } from './file-transfer.ts';
import { describeWriteError } from './growing-file.ts';

const PIECE_BYTES = 1024 * 1024;

/**
 * The content of a file, in pieces of at most about `pieceBytes`; a file whose name ends in `.gz` is unpacked.
 *
 * @throws InvalidInput where it cannot be unpacked.
 */
export async function* readPlain(path: string, pieceBytes = PIECE_BYTES): AsyncGenerator<Buffer> {
  const packed = createReadStream(path, { highWaterMark: pieceBytes });
  if (!path.endsWith('.gz')) return yield* packed;
  const plain = createGunzip({ chunkSize: Math.max(64, pieceBytes) });
  const done = pipeline(packed, plain).catch((error: unknown) => plain.destroy(error as Error));
  try {
    yield* plain as AsyncIterable<Buffer>;
    await done;
  } catch (cause) {
    throw new InvalidInput(`${path} cannot be unpacked: ${(cause as Error).message}`, { cause });
  } finally {
    packed.destroy();
  }
}

/** Writes what comes from stdin, or out of a pipe or a device, to a file. @throws InvalidInput */
export async function spoolInput(
  source: 'stdin' | { readonly path: string },
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const stream: Readable = source === 'stdin' ? process.stdin : createReadStream(source.path);
  await receiveFile(target, stream, { offset: 0, signal, onChunk: () => {} });
}

/** Writes a file to stdout, or into a pipe or a device, as it is. */
export async function pourFile(
  path: string,
  target: 'stdout' | { readonly path: string },
  signal: AbortSignal,
): Promise<void> {
  const stream: Writable = target === 'stdout' ? process.stdout : createWriteStream(target.path);
  try {
    await pipeline(createReadStream(path, { highWaterMark: PIECE_BYTES }), stream, {
      signal,
      end: target !== 'stdout',
    });
  } catch (error) {
    signal.throwIfAborted();
    // Whoever read it has seen enough.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
    throw describeWriteError(target === 'stdout' ? 'stdout' : target.path, error);
  }
}

/** Another text when the file was written meanwhile. */
export async function describeVersion(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${size}:${mtimeMs}`;
}
