import { listWords } from '../core/wording.ts';
import type { Example, ExampleTable } from './example.ts';
import type { Finding } from './finding.ts';
import type { ColumnSpec, ScalarType, Schema, TensorSpec, ValueType } from './schema.ts';
import { showType } from './show-schema.ts';

const RULE = 'example-against-signature';
const MEND = 'log the model again, its signature by infer_signature(...) on the example';

/** Whether the example of a model is an input that its signature takes. */
export function checkExample(example: Example, inputs: Schema): readonly Finding[] {
  const columns = inputs.filter((spec) => spec.kind === 'column');
  const tensors = inputs.filter((spec) => spec.kind === 'tensor');
  if (example.kind === 'table') {
    return columns.length === 0 ? [] : checkTable(example.table, columns);
  }
  const [tensor] = tensors;
  if (tensor !== undefined && tensors.length === 1 && Array.isArray(example.value)) {
    return checkTensor(example.value, tensor);
  }
  return checkValue(example.value, columns);
}

/** A mapping of columns, or a list of them; any other value only MLflow can judge. */
function checkValue(value: unknown, columns: readonly ColumnSpec[]): readonly Finding[] {
  if (columns.length === 0) return [];
  const records = Array.isArray(value) ? value : [value];
  const isTable = records.every(
    (one) => typeof one === 'object' && one !== null && !Array.isArray(one),
  );
  if (!isTable || records.length === 0) return [];
  const named = [...new Set(records.flatMap((record) => Object.keys(record as object)))];
  return checkNames(named, columns);
}

function checkTable(table: ExampleTable, columns: readonly ColumnSpec[]): readonly Finding[] {
  const areNamed = columns.every(({ name }) => name !== undefined);
  if (!areNamed) {
    if (table.columns.length === columns.length) return checkCells(table, columns);
    return [
      fault(`the example has ${table.columns.length} columns, the signature ${columns.length}`),
    ];
  }
  const known = columns.filter(({ name }) => table.columns.includes(name ?? ''));
  const places = known.map(({ name }) => table.columns.indexOf(name ?? ''));
  const rows = table.rows.map((row) => places.map((place) => row[place]));
  return [
    ...checkNames(table.columns, columns),
    ...checkCells({ columns: known.map(({ name }) => name ?? ''), rows }, known),
  ];
}

function checkNames(named: readonly string[], columns: readonly ColumnSpec[]): readonly Finding[] {
  const missing = columns.filter(
    ({ name, isRequired }) => isRequired && !named.includes(name ?? ''),
  );
  const extra = named.filter((name) => !columns.some((column) => column.name === name));
  const findings: Finding[] = [];
  if (missing.length > 0) {
    const shown = listWords(missing.map(({ name }) => name ?? ''));
    findings.push(fault(`the signature requires ${shown}, which the example does not have`));
  }
  if (extra.length > 0) {
    const message = `the example has ${listWords(extra)}, which the signature does not know`;
    findings.push({ ...fault(message), level: 'warning' });
  }
  return findings;
}

/** One finding for each column, at its worst cell. */
function checkCells({ columns, rows }: ExampleTable, specs: readonly ColumnSpec[]): Finding[] {
  return specs.flatMap(({ type }, place) => {
    const fits = rows.map((row) => judge(row[place], type));
    const isRefused = fits.includes('refused');
    const at = fits.indexOf(isRefused ? 'refused' : 'cast');
    if (at === -1) return [];
    const shown = JSON.stringify(rows[at]?.[place] ?? null).slice(0, 60);
    const what = `column \`${columns[place]}\` is ${showType(type)} in the signature`;
    const message = `${what}, and ${shown} in row ${at} of the example`;
    if (isRefused) return [fault(`${message}, which is refused`)];
    return [{ ...fault(`${message}, which is cast`), level: 'warning' as const }];
  });
}

function fault(message: string): Finding {
  return { level: 'error', rule: RULE, message, hint: MEND };
}

/**
 * What MLflow does with a cell (`_enforce_schema` in `mlflow/models/utils.py`): it takes it, makes something else
 * of it without a word, or answers with an error.
 */
type Fit = 'taken' | 'cast' | 'refused';

function judge(value: unknown, type: ValueType): Fit {
  switch (type.kind) {
    case 'scalar':
      return judgeScalar(value, type.type);
    case 'array':
      return value === null || Array.isArray(value) ? 'taken' : 'refused';
    case 'object':
    case 'map':
      return value === null || (typeof value === 'object' && !Array.isArray(value))
        ? 'taken'
        : 'refused';
    default:
      return 'taken';
  }
}

function judgeScalar(value: unknown, type: ScalarType): Fit {
  if (value === null || value === undefined) return judgeNull(type);
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? 'taken' : 'cast';
    case 'integer':
      return judgeNumber(value, Number.isInteger(value) && (value as number) < 2 ** 31, WHOLE_TEXT);
    case 'long':
      return judgeNumber(value, Number.isInteger(value), WHOLE_TEXT);
    case 'float':
    case 'double':
      return judgeNumber(value, typeof value === 'number', NUMBER_TEXT);
    case 'string':
      return typeof value === 'string' ? 'taken' : 'cast';
    case 'binary':
      return typeof value === 'string' ? 'taken' : 'refused';
    case 'datetime':
      return typeof value === 'string' ? 'taken' : typeof value === 'number' ? 'cast' : 'refused';
  }
}

/** pandas has no whole numbers that may be missing, and takes a missing boolean for one of the two. */
function judgeNull(type: ScalarType): Fit {
  if (type === 'integer' || type === 'long' || type === 'binary') return 'refused';
  return type === 'boolean' ? 'cast' : 'taken';
}

/** Texts are read as Python reads them: no fractions in whole numbers. */
function judgeNumber(value: unknown, isOfType: boolean, readable: RegExp): Fit {
  if (isOfType) return 'taken';
  return typeof value !== 'string' || readable.test(value) ? 'cast' : 'refused';
}

const WHOLE_TEXT = /^\s*[+-]?\d+\s*$/;
const NUMBER_TEXT = /^\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?)\s*$/i;

function checkTensor(value: readonly unknown[], { shape }: TensorSpec): readonly Finding[] {
  const sizes = measureShape(value);
  const isSame =
    sizes.length === shape.length &&
    shape.every((size, axis) => size === -1 || size === sizes[axis]);
  if (isSame) return [];
  return [
    fault(`the example has the shape (${sizes.join(', ')}), the signature (${shape.join(', ')})`),
  ];
}

function measureShape(value: unknown): readonly number[] {
  return Array.isArray(value) ? [value.length, ...measureShape(value[0])] : [];
}
