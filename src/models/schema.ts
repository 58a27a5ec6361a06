import { InvalidInput } from '../core/errors.ts';

/** The types of single values (`mlflow/types/schema.py`, `DataType`). */
export const SCALAR_TYPES = [
  'boolean',
  'integer',
  'long',
  'float',
  'double',
  'string',
  'binary',
  'datetime',
] as const;
export type ScalarType = (typeof SCALAR_TYPES)[number];

/** What a column, an item or a property may hold. */
export type ValueType =
  | { readonly kind: 'scalar'; readonly type: ScalarType }
  | { readonly kind: 'array'; readonly items: ValueType }
  | { readonly kind: 'object'; readonly properties: readonly Property[] }
  | { readonly kind: 'map'; readonly values: ValueType }
  /** `vector`: of Spark ML. */
  | { readonly kind: 'any' | 'vector' };

export interface Property {
  readonly name: string;
  readonly type: ValueType;
  readonly isRequired: boolean;
}

/** `name` is undefined where columns are told apart by their place only. */
export interface ColumnSpec extends Omit<Property, 'name'> {
  readonly kind: 'column';
  readonly name: string | undefined;
}

/** `dtype` in numpy's words; -1 in `shape` stands for any size. */
export interface TensorSpec {
  readonly kind: 'tensor';
  readonly name: string | undefined;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** Columns or tensors, never both. */
export type Schema = readonly (ColumnSpec | TensorSpec)[];

/** `shape` is set for lists. */
export interface ParamSpec {
  readonly name: string;
  readonly type: ValueType;
  readonly defaultValue: unknown;
  readonly shape: readonly number[] | undefined;
}

type Written = Readonly<Record<string, unknown>>;

/**
 * Reads a schema as an MLmodel file holds it: JSON in a text (`Schema.from_json`).
 *
 * @throws InvalidInput for what MLflow could not read either.
 */
export function parseSchema(text: string): Schema {
  return parseList(text).map((spec) =>
    spec.type === 'tensor' ? readTensor(spec) : readColumn(spec),
  );
}

/** The params of a signature (`ParamSchema.from_json`). @throws InvalidInput */
export function parseParamSchema(text: string): readonly ParamSpec[] {
  return parseList(text).map((spec) => ({
    name: readName(spec) ?? refuse('a param has no name'),
    // `dtype` until MLflow 2.12.
    type: readType({ ...spec, type: spec.type ?? spec.dtype }),
    defaultValue: spec.default ?? null,
    shape: spec.shape === null || spec.shape === undefined ? undefined : readShape(spec.shape),
  }));
}

function parseList(text: string): readonly Written[] {
  const list = parseJson(text);
  if (!Array.isArray(list)) return refuse('it is no list');
  return list.map((item: unknown) => (isMapping(item) ? item : refuse('an entry is no mapping')));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse('it is no JSON');
  }
}

function readColumn(spec: Written): ColumnSpec {
  return {
    kind: 'column',
    name: readName(spec),
    type: readType(spec),
    isRequired: isRequired(spec),
  };
}

function readTensor(spec: Written): TensorSpec {
  const tensor = spec['tensor-spec'];
  if (!isMapping(tensor)) return refuse('a tensor has no `tensor-spec`');
  const { dtype, shape } = tensor;
  if (typeof dtype !== 'string') return refuse('a tensor has no `dtype`');
  return { kind: 'tensor', name: readName(spec), dtype, shape: readShape(shape) };
}

function readName({ name }: Written): string | undefined {
  if (name === undefined || name === null) return undefined;
  return typeof name === 'string' ? name : String(name);
}

/** `optional` until MLflow 2.9, `required` since. */
function isRequired({ required, optional }: Written): boolean {
  return typeof required === 'boolean' ? required : optional !== true;
}

function readShape(shape: unknown): readonly number[] {
  if (Array.isArray(shape) && shape.every((size) => Number.isInteger(size) && size >= -1)) {
    return shape as readonly number[];
  }
  return refuse(`\`${JSON.stringify(shape)}\` is no shape`);
}

/** Deeper than any real type; beyond it a hostile one would end the process. */
const DEEPEST = 64;

function readType(spec: Written, depth = 0): ValueType {
  if (depth > DEEPEST) return refuse('a type is nested too deeply');
  const inner = (value: unknown): ValueType =>
    isMapping(value)
      ? readType(value, depth + 1)
      : refuse(`\`${String(spec.type)}\` has no type within`);
  switch (spec.type) {
    case 'array':
      return { kind: 'array', items: inner(spec.items) };
    case 'map':
      return { kind: 'map', values: inner(spec.values) };
    case 'object':
      return { kind: 'object', properties: readProperties(spec.properties, inner) };
    case 'any':
      return { kind: 'any' };
    case 'sparkml_vector':
      return { kind: 'vector' };
    default:
      return { kind: 'scalar', type: readScalarType(spec.type) };
  }
}

function readProperties(
  properties: unknown,
  readInner: (value: unknown) => ValueType,
): readonly Property[] {
  if (!isMapping(properties)) return refuse('an object has no `properties`');
  return Object.entries(properties).map(([name, value]) => ({
    name,
    type: readInner(value),
    isRequired: isMapping(value) && isRequired(value),
  }));
}

function readScalarType(type: unknown): ScalarType {
  const found = SCALAR_TYPES.find((known) => known === type);
  return found ?? refuse(`there is no type \`${String(type)}\``);
}

function isMapping(value: unknown): value is Written {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(problem: string): never {
  throw new InvalidInput(`the model's signature cannot be read: ${problem}`, {
    hint: 'log the model again, or mend `signature` in its MLmodel file',
  });
}
