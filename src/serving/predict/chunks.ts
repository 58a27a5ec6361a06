import { readPlain } from '../../host/streamed-files.ts';
import { splitCsv } from './csv-records.ts';
import type { PredictJob } from './job.ts';
import { countLines, findLineEnd, splitRecords } from './records.ts';

/** A part of the input; `header` and `body` are what `mlts_input.py` reads it from. */
export interface Chunk {
  readonly index: number;
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: readonly Buffer[];
  /** Where its rows are, for people. */
  readonly place: string;
  /** How much of the input ends with it, from 0 to 1; undefined where that is not known. */
  readonly share: number | undefined;
}

/** Large enough that what pandas does for each of them does not count, small enough for little memory. */
export const CHUNK_BYTES = 2_000_000;

const PIECE_BYTES = 1_000_000;

interface ChunkedInput extends Pick<PredictJob, 'input' | 'contentType'> {
  readonly sizeBytes: number;
  /** Of text; the chunks of a Parquet file are its row groups. */
  readonly chunkBytes: number;
  /** The rows in each row group of a Parquet file. */
  readonly groups: readonly number[];
}

/** The same input gives the same chunks each time. @throws InvalidInput */
export async function* readChunks({
  input,
  contentType,
  sizeBytes,
  chunkBytes,
  groups,
}: ChunkedInput): AsyncGenerator<Chunk> {
  if (contentType === 'parquet') return yield* listGroups(input, groups);
  let index = 0;
  let bytes = 0;
  /** Lines of the file that are not in this chunk, but before its rows. */
  let skipped = 0;
  for await (const { header, rows } of splitText(input, contentType, chunkBytes)) {
    bytes += countBytes(rows);
    const share = input.endsWith('.gz') ? undefined : Math.min(1, bytes / sizeBytes);
    const place = `in the rows behind line ${skipped + (contentType === 'csv' ? 1 : 0)}`;
    yield { index, header: { contentType, skipped }, body: [header, ...rows], place, share };
    index += 1;
    skipped += countLines(rows);
  }
}

async function* splitText(
  input: string,
  contentType: PredictJob['contentType'],
  chunkBytes: number,
): AsyncGenerator<{ readonly header: Buffer; readonly rows: readonly Buffer[] }> {
  const pieces = readPlain(input, Math.min(chunkBytes, PIECE_BYTES));
  if (contentType === 'csv') return yield* splitCsv(pieces, chunkBytes);
  for await (const rows of splitRecords(pieces, findLineEnd, chunkBytes)) {
    yield { header: Buffer.alloc(0), rows };
  }
}

function* listGroups(path: string, groups: readonly number[]): Generator<Chunk> {
  const total = groups.reduce((sum, rows) => sum + rows, 0);
  let done = 0;
  for (const [index, rows] of groups.entries()) {
    done += rows;
    const header = { contentType: 'parquet', path, group: index };
    const place = `in row group ${index}`;
    yield { index, header, body: [], place, share: total === 0 ? 1 : done / total };
  }
}

export function countBytes(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}
