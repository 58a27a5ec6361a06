import type { Readable } from 'node:stream';

export interface StreamStart {
  readonly bytes: Buffer;
  /** Whether nothing comes after it. */
  readonly isWhole: boolean;
}

/** What comes first of a stream: all of it where that is no more than `mostBytes`. The rest stays in the stream. */
export async function readStart(stream: Readable, mostBytes: number): Promise<StreamStart> {
  const pieces: Buffer[] = [];
  let count = 0;
  for await (const piece of readOn(stream)) {
    pieces.push(piece);
    count += piece.length;
    if (count > mostBytes) return { bytes: Buffer.concat(pieces), isWhole: false };
  }
  const [only] = pieces;
  const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  return { bytes, isWhole: true };
}

/** All of a stream of which the start has been read. */
export async function* joinStart(start: Buffer, rest: Readable): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  yield* readOn(rest);
}

/** The stream may be a client's connection, over which the answer has to go when reading is over. */
function readOn(stream: Readable): AsyncIterable<Buffer> {
  return stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}
