import { isUtf8 } from 'node:buffer';
import type { Signature } from '../models/mlmodel.ts';
import type { ScalarType } from '../models/schema.ts';

/** The columns that a model takes, where all of them are plain ones with names. */
export interface ColumnPlan {
  readonly names: readonly string[];
  readonly types: readonly ScalarType[];
}

/** Rows of one or several requests, column by column, in the order of the plan. */
export interface Columns {
  readonly rows: number;
  /** All but the texts, one column after the other; booleans are 0 and 1. */
  readonly numbers: Float64Array;
  readonly texts: readonly (readonly string[])[];
}

const PLAIN: ReadonlySet<string> = new Set<ScalarType>([
  'boolean',
  'integer',
  'long',
  'float',
  'double',
  'string',
]);

/** Undefined for a model that must be asked the exact way: tensors, nested types, dates, no signature. */
export function planColumns(signature: Signature | undefined): ColumnPlan | undefined {
  const { inputs, params, isFromTypeHint } = signature ?? {};
  if (inputs === undefined || inputs.length === 0 || params !== undefined || isFromTypeHint) {
    return undefined;
  }
  const names: string[] = [];
  const types: ScalarType[] = [];
  for (const spec of inputs) {
    if (spec.kind !== 'column' || spec.name === undefined || spec.type.kind !== 'scalar') {
      return undefined;
    }
    names.push(spec.name);
    types.push(spec.type.type);
  }
  const isPlain = types.every((type) => PLAIN.has(type)) && new Set(names).size === names.length;
  return isPlain ? { names, types } : undefined;
}

/** Rows as they stand in a body, for the columns of a plan. */
export interface Table {
  readonly rows: number;
  cellAt(row: number, column: number): unknown;
}

/**
 * Reads a body in one of MLflow's two DataFrame formats. Undefined where it holds anything else than rows
 * with just the plan's columns, or where Python might read it another way: such bodies go the exact way.
 */
export function readTable(body: Buffer, { names }: ColumnPlan): Table | undefined {
  // Python would look for other encodings where JSON does not begin at once.
  if (body[0] !== 0x7b || !isUtf8(body)) return undefined;
  const parsed = parseObject(body);
  if (parsed === undefined) return undefined;
  const [key, ...others] = Object.keys(parsed);
  if (key === undefined || others.length > 0) return undefined;
  if (key === 'dataframe_split') return readSplit(parsed[key], names);
  return key === 'dataframe_records' ? readRecords(parsed[key], names) : undefined;
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

function readSplit(split: unknown, names: readonly string[]): Table | undefined {
  if (!isObject(split) || Object.keys(split).length !== 2) return undefined;
  const { columns, data } = split;
  if (!Array.isArray(columns) || !Array.isArray(data)) return undefined;
  const width = names.length;
  if (columns.length !== width) return undefined;
  const places = names.map((name) => columns.indexOf(name));
  if (places.includes(-1)) return undefined;
  const rows = data as readonly unknown[];
  if (!rows.every((row) => Array.isArray(row) && row.length === width)) return undefined;
  const cells = rows as readonly (readonly unknown[])[];
  return {
    rows: rows.length,
    cellAt: (row, column) => cells[row]?.[places[column] as number],
  };
}

function readRecords(records: unknown, names: readonly string[]): Table | undefined {
  if (!Array.isArray(records)) return undefined;
  const rows = records as readonly unknown[];
  const isWhole = (row: unknown): boolean =>
    isObject(row) &&
    Object.keys(row).length === names.length &&
    names.every((name) => Object.hasOwn(row, name));
  if (!rows.every(isWhole)) return undefined;
  const cells = rows as readonly Readonly<Record<string, unknown>>[];
  return {
    rows: rows.length,
    cellAt: (row, column) => cells[row]?.[names[column] as string],
  };
}

/**
 * The columns of a table. Undefined wherever it is not certain that MLflow would have made the same of it:
 * a cell of another type, null, a number that JavaScript cannot hold as Python does.
 */
export function toColumns({ rows, cellAt }: Table, { types }: ColumnPlan): Columns | undefined {
  if (rows === 0) return undefined;
  const numeric = types.filter((type) => type !== 'string').length;
  const numbers = new Float64Array(numeric * rows);
  const texts: string[][] = [];
  let next = 0;
  for (const [column, type] of types.entries()) {
    if (type === 'string') {
      const cells = readTexts(column, rows, cellAt);
      if (cells === undefined) return undefined;
      texts.push(cells);
    } else {
      const take = TAKE[type as keyof typeof TAKE];
      for (let row = 0; row < rows; row += 1) {
        const number = take(cellAt(row, column));
        if (number === undefined) return undefined;
        numbers[next] = number;
        next += 1;
      }
    }
  }
  return { rows, numbers, texts };
}

type Cells = Table['cellAt'];

function readTexts(column: number, rows: number, cellAt: Cells): string[] | undefined {
  const texts: string[] = [];
  for (let row = 0; row < rows; row += 1) {
    const text = cellAt(row, column);
    if (typeof text !== 'string') return undefined;
    texts.push(text);
  }
  return texts;
}

const LARGEST_INTEGER = 2 ** 31 - 1;

/** The number that is certain to be the same in Python; undefined where it is not. */
const TAKE = {
  boolean: (cell: unknown) => (typeof cell === 'boolean' ? Number(cell) : undefined),
  integer: (cell: unknown) => {
    const number = takeInteger(cell);
    return number !== undefined && number <= LARGEST_INTEGER && number >= -LARGEST_INTEGER
      ? number
      : undefined;
  },
  long: takeInteger,
  float: (cell: unknown) => {
    const number = takeNumber(cell);
    return number !== undefined && Number.isFinite(Math.fround(number)) ? number : undefined;
  },
  double: takeNumber,
} as const;

/** Without -0, which Python reads as 0 where it is written without a point, and whole ones past 2^53. */
function takeNumber(cell: unknown): number | undefined {
  if (typeof cell !== 'number' || !Number.isFinite(cell) || Object.is(cell, -0)) return undefined;
  return Number.isInteger(cell) && !Number.isSafeInteger(cell) ? undefined : cell;
}

function takeInteger(cell: unknown): number | undefined {
  return Number.isSafeInteger(cell) && !Object.is(cell, -0) ? (cell as number) : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Several requests' rows one below the other. */
export function joinColumns(parts: readonly Columns[]): Columns {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const width = first === undefined ? 0 : first.numbers.length / first.rows;
  const numbers = new Float64Array(width * rows);
  let start = 0;
  for (const part of parts) {
    for (let column = 0; column < width; column += 1) {
      const from = column * part.rows;
      numbers.set(part.numbers.subarray(from, from + part.rows), column * rows + start);
    }
    start += part.rows;
  }
  const texts = (first?.texts ?? []).map((_, column) =>
    parts.flatMap((part) => part.texts[column] ?? []),
  );
  return { rows, numbers, texts };
}
