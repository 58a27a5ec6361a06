import { type FindRecordEnd, splitRecords } from './records.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** `closing`: behind a quote in a quoted field, which ends it, or is the first of two that stand for one. */
type State = 'start' | 'field' | 'quoted' | 'closing';

/**
 * Finds where the records of a CSV file end, as pandas reads it: a quote opens a field only where it is its first
 * character, and what follows the closing one belongs to the field.
 */
export function createCsvScanner(): FindRecordEnd {
  let state: State = 'start';
  return (piece) => {
    let end = 0;
    for (let at = 0; at < piece.length; ) {
      const isQuote = piece[at] === QUOTE;
      if (state === 'quoted') {
        const quote = piece.indexOf(QUOTE, at);
        if (quote !== -1) state = 'closing';
        at = quote === -1 ? piece.length : quote + 1;
      } else if (isQuote) {
        state = state === 'field' ? 'field' : 'quoted';
        at += 1;
      } else {
        const quote = piece.indexOf(QUOTE, at);
        const stop = quote === -1 ? piece.length : quote;
        end = findLastLine(piece, at, stop) ?? end;
        state = isSeparator(piece[stop - 1]) ? 'start' : 'field';
        at = stop;
      }
    }
    return end;
  };
}

function findLastLine(piece: Buffer, from: number, to: number): number | undefined {
  for (let at = to - 1; at >= from; at -= 1) if (piece[at] === LINE_FEED) return at + 1;
  return undefined;
}

function isSeparator(byte: number | undefined): boolean {
  return byte === COMMA || byte === LINE_FEED || byte === CARRIAGE_RETURN;
}

export interface CsvChunk {
  /** The first record of the file, which each chunk needs in front of its own. */
  readonly header: Buffer;
  readonly rows: readonly Buffer[];
}

/** Chunks of a CSV file, each with whole records; none where it has no more than a header. @throws InvalidInput */
export async function* splitCsv(
  pieces: AsyncIterable<Buffer>,
  chunkBytes: number,
): AsyncGenerator<CsvChunk> {
  const findEnd = createCsvScanner();
  let header: Buffer | undefined;
  const headerParts: Buffer[] = [];
  async function* skipHeader(): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      if (header !== undefined) {
        yield piece;
        continue;
      }
      const end = findHeaderEnd(piece, findEnd, headerParts);
      headerParts.push(piece.subarray(0, end ?? piece.length));
      if (end === undefined) continue;
      header = Buffer.concat(headerParts);
      yield piece.subarray(end);
    }
  }
  for await (const rows of splitRecords(skipHeader(), findEnd, chunkBytes)) {
    if (header !== undefined) yield { header, rows };
  }
}

/** Behind the first record that is not blank; undefined where it does not end in this piece. */
function findHeaderEnd(
  piece: Buffer,
  findEnd: FindRecordEnd,
  earlier: readonly Buffer[],
): number | undefined {
  for (let start = 0; start < piece.length; ) {
    const lineEnd = piece.indexOf(LINE_FEED, start);
    const stop = lineEnd === -1 ? piece.length : lineEnd + 1;
    const isRecord = findEnd(piece.subarray(start, stop)) > 0;
    const text = Buffer.concat([...earlier, piece.subarray(0, stop)]);
    if (isRecord && text.toString('latin1').trim() !== '') return stop;
    start = stop;
  }
  return undefined;
}
