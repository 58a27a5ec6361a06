import { InvalidInput, MltsError } from '../../core/errors.ts';
import type { Frame } from '../frame.ts';

/** What the columns of a table are, as `mlts_columns.py` tells it; null: the input is no table. Only compared here. */
export type Columns = Readonly<Record<string, unknown>> | null;

/** A chunk was predicted. */
export interface ChunkAnswer {
  readonly rows: number;
  readonly columns: Columns;
  /** What the predictions are, the same for all chunks. */
  readonly output: unknown;
  /** Of the pieces in `body`, which may be several. */
  readonly sizes: readonly number[];
  readonly body: Buffer;
}

/**
 * The input cannot be predicted in chunks: with these types of columns (`types`), or not at all (`whole`), since
 * the whole file gives something else.
 */
export class Unfit extends Error {
  override readonly name = 'Unfit';
  readonly kind: 'types' | 'whole';

  constructor(kind: 'types' | 'whole', reason: string) {
    super(reason);
    this.kind = kind;
  }
}

/** The model, or what MLflow does before it is asked, has refused the input. */
export class PredictionFailed extends MltsError {
  override readonly name = 'PredictionFailed';

  /** With where in the input it was. */
  locate(place: string): PredictionFailed {
    const { hint, cause } = this;
    return new PredictionFailed(this.code, `${this.message} (${place})`, { hint, cause });
  }
}

function failWith(message: string, hint: string, traceback: string): PredictionFailed {
  const cause = new Error(message);
  cause.stack = traceback;
  return new PredictionFailed('INVALID_PARAMETER_VALUE', message, { hint, cause });
}

/** @throws Unfit, PredictionFailed, InvalidInput: what Python says instead of an answer. */
export function checkAnswer({ header }: Frame): Frame['header'] {
  if (header.unfit !== undefined) {
    throw new Unfit(header.unfit === 'types' ? 'types' : 'whole', String(header.reason));
  }
  if (header.error !== undefined) throw describeFailure(header);
  return header;
}

const LONGEST_MESSAGE = 600;
const ERRNO_HINTS: Readonly<Record<number, string>> = {
  28: 'make room, or name a file on another disk',
  122: 'make room, or name a file on another disk',
};

function describeFailure(header: Frame['header']): MltsError {
  const { type, module, input, errno } = header;
  const text = shorten(String(header.message ?? ''));
  const traceback = String(header.traceback ?? '');
  if (input === true) return new InvalidInput(`the input cannot be read: ${text}`);
  if (typeof module === 'string') {
    const hint = `install \`${module}\` there: -r ${module}, or leave out --env-manager local`;
    return failWith(`the model's environment lacks \`${module}\``, hint, traceback);
  }
  const hint = typeof errno === 'number' ? ERRNO_HINTS[errno] : findHint(text);
  const isMlflows = type === 'MlflowException' || String(type).startsWith('Mlflow');
  const message = isMlflows
    ? `MLflow refuses the input: ${text}`
    : `the model fails with ${type}: ${text}`;
  return failWith(message, hint ?? 'with --debug it shows where', traceback);
}

/** MLflow shows all of the data before it comes to the point. */
function shorten(message: string): string {
  const point = /Failed to enforce schema[\s\S]*\bError: ([\s\S]*)$/.exec(message)?.[1] ?? message;
  const line = point.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}...` : line;
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/valid JSON formatted string/, 'say what it is: -t csv, -t jsonl or -t parquet'],
  [
    /JSON dictionary with exactly one/,
    'write {"dataframe_records": [...]} or {"inputs": ...} around it',
  ],
  [
    /Can not safely convert int\d+ to (float|double)/,
    'write the numbers of this column as 1.0, or give JSON lines (-t jsonl), which follow the signature',
  ],
  [
    /Can not safely convert|Incompatible input types/,
    'pandas guesses the types of CSV columns; JSON lines (-t jsonl) follow the signature',
  ],
  [/missing inputs|Model is missing/, '`mlts models describe` shows what the model takes'],
  [
    /parse input as a Pandas DataFrame/,
    'mend the input, or say what it is: -t json, -t jsonl or -t parquet',
  ],
];

function findHint(text: string): string | undefined {
  return HINTS.find(([pattern]) => pattern.test(text))?.[1];
}
