import { join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { readTextFile } from '../host/text-file.ts';
import type { LocalModel } from './local-model.ts';

/** An input example as a table: rows of cells. Examples of other forms are `undefined` here. */
export interface ExampleTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

export type Example =
  | { readonly kind: 'table'; readonly table: ExampleTable }
  /** `json_object` or `ndarray` as MLflow calls them. */
  | { readonly kind: 'value'; readonly type: string; readonly value: unknown };

/** Far more than an example should hold. */
const LARGEST_EXAMPLE_BYTES = 256 * 1024 * 1024;

/**
 * The input example of a model (`_Example` in `mlflow/models/utils.py`); undefined where it has none.
 *
 * @throws NotFound, and InvalidInput where it cannot be read.
 */
export async function readExample({ folder, file }: LocalModel): Promise<Example | undefined> {
  const info = file.inputExample;
  if (typeof info?.artifact_path !== 'string') return undefined;
  const path = join(folder, info.artifact_path);
  const written = parseJson(await readTextFile(path, LARGEST_EXAMPLE_BYTES), path);
  // With params beside it, the input is one level deeper.
  const value = info.params && isMapping(written) ? written.inputs : written;
  const type = String(info.type);
  if (type !== 'dataframe') return { kind: 'value', type, value };
  const table = readTable(value);
  if (table !== undefined) return { kind: 'table', table };
  throw new InvalidInput(`${path} holds no columns and data`, { hint: 'log the example again' });
}

function parseJson(text: string, path: string): unknown {
  try {
    // Python writes NaN and infinities, which JSON does not have.
    return JSON.parse(text.replace(/(?<=[[,:\s])(?:NaN|-?Infinity)(?=[\],}\s])/g, 'null'));
  } catch (cause) {
    throw new InvalidInput(`${path} is not valid JSON`, { hint: 'log the example again', cause });
  }
}

/** `split`, as MLflow writes it, or `records`. */
function readTable(value: unknown): ExampleTable | undefined {
  if (Array.isArray(value)) {
    const records = value.filter(isMapping);
    const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
    if (records.length !== value.length) return undefined;
    return { columns, rows: records.map((record) => columns.map((name) => record[name])) };
  }
  if (!isMapping(value) || !Array.isArray(value.data)) return undefined;
  const rows = value.data.filter((row): row is unknown[] => Array.isArray(row));
  const width = rows[0]?.length ?? 0;
  const columns = Array.isArray(value.columns)
    ? value.columns.map(String)
    : Array.from({ length: width }, (_, index) => String(index));
  return { columns, rows };
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
