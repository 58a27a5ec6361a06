import { InvalidInput } from '../../core/errors.ts';

/** The place behind the last record that ends in the piece; 0 where none ends. It sees each piece once, in order. */
export type FindRecordEnd = (piece: Buffer) => number;

/** A chunk has to fit into one message to Python. */
const LARGEST_CHUNK_BYTES = 2_000_000_000;

/**
 * Joins the pieces of a file to chunks of whole records, each of about `chunkBytes`. The same file gives the
 * same chunks each time.
 *
 * @throws InvalidInput for a record that never ends.
 */
export async function* splitRecords(
  pieces: AsyncIterable<Buffer>,
  findEnd: FindRecordEnd,
  chunkBytes: number,
): AsyncGenerator<readonly Buffer[]> {
  let kept: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    const end = findEnd(piece);
    if (end > 0 && bytes + end >= chunkBytes) {
      yield [...kept, piece.subarray(0, end)];
      kept = [piece.subarray(end)];
      bytes = piece.length - end;
    } else {
      kept.push(piece);
      bytes += piece.length;
    }
    if (bytes > LARGEST_CHUNK_BYTES) throw refuseRecord();
  }
  if (bytes > 0) yield kept;
}

function refuseRecord(): InvalidInput {
  return new InvalidInput('the input has a row of more than 2 GB', {
    hint: 'most often a quote is not closed; --no-stream reads the input whole',
  });
}

const LINE_FEED = 0x0a;

export function findLineEnd(piece: Buffer): number {
  return piece.lastIndexOf(LINE_FEED) + 1;
}

export function countLines(pieces: readonly Buffer[]): number {
  let lines = 0;
  for (const piece of pieces) {
    for (let at = piece.indexOf(LINE_FEED); at !== -1; at = piece.indexOf(LINE_FEED, at + 1)) {
      lines += 1;
    }
  }
  return lines;
}
