import type { Columns } from './columns.ts';
import { joinColumns } from './columns.ts';
import { encodeFrame, type Frame } from './frame.ts';

/** What one client asks: a body as it came, or columns that were read from it. */
export type Question =
  | { readonly kind: 'body'; readonly contentType: string | null; readonly body: Buffer }
  | { readonly kind: 'columns'; readonly columns: Columns };

export interface Prediction {
  readonly status: number;
  readonly mediaType: string;
  readonly body: Buffer;
}

/** The frame that asks a worker all of these at once; only columns may be more than one. */
export function encodeQuestions(questions: readonly Question[]): readonly Buffer[] {
  const [first] = questions;
  if (first?.kind === 'body') {
    const { kind, contentType, body } = first;
    return [encodeFrame({ kind, contentType }, body.length), body];
  }
  const parts = questions.flatMap((question) =>
    question.kind === 'columns' ? [question.columns] : [],
  );
  const { numbers, texts } = joinColumns(parts);
  const header = { kind: 'columns', parts: parts.map(({ rows }) => rows), texts };
  const body = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return [encodeFrame(header, body.length), body];
}

/** The answers in a worker's frame; undefined where each is to be asked the exact way. */
export function readPredictions({ header, body }: Frame): readonly Prediction[] | undefined {
  if (!Array.isArray(header.parts)) return undefined;
  let start = 0;
  return (header.parts as readonly WrittenPart[]).map(({ status, mediaType, size }) => {
    start += size;
    return { status, mediaType, body: body.subarray(start - size, start) };
  });
}

interface WrittenPart {
  readonly status: number;
  readonly mediaType: string;
  readonly size: number;
}
