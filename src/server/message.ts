import { InvalidInput } from '../core/errors.ts';
import { parseDecimal } from '../core/python-float.ts';

/** One of an enumeration's names, by its number. */
export interface EnumSpec<Name extends string = string> {
  readonly names: Readonly<Record<number, Name>>;
}

export interface MessageSpec<F extends Fields = Fields> {
  readonly fields: F;
}

type Scalar = 'string' | 'int64' | 'int32' | 'double' | 'bool';
type Single = Scalar | EnumSpec | MessageSpec;
/** What a field holds; in a list: any number of them. */
export type FieldSpec = Single | readonly [Single];
export type Fields = Readonly<Record<string, FieldSpec>>;

type Value<F> = F extends readonly [infer Item]
  ? readonly Value<Item>[]
  : F extends 'string'
    ? string
    : F extends 'bool'
      ? boolean
      : F extends Scalar
        ? number
        : F extends EnumSpec<infer Name>
          ? Name
          : F extends MessageSpec<infer Inner>
            ? Message<Inner>
            : never;

/** A message as it was read; what was not sent is absent. */
export type Message<F extends Fields = Fields> = { readonly [Name in keyof F]?: Value<F[Name]> };

export function message<const F extends Fields>(fields: F): MessageSpec<F> {
  return { fields };
}

export function enumeration<const Name extends string>(
  names: Readonly<Record<number, Name>>,
): EnumSpec<Name> {
  return { names };
}

export interface Decoded {
  /** As far as it could be read. */
  readonly message: Record<string, unknown>;
  /** Whether all of it was of the right types. */
  readonly isWhole: boolean;
}

type Decode = (json: Readonly<Record<string, unknown>>) => Decoded;

/** A value that does not fit its field. */
class Misfit extends Error {
  override readonly name = 'Misfit';
}

interface FieldReader {
  readonly name: string;
  /** The other spelling of it. */
  readonly alias: string;
  read(value: unknown, into: Record<string, unknown>): void;
}

type Readers = ReadonlyMap<string, FieldReader>;

/**
 * Makes the reader of a message by proto3's JSON rules
 * (https://protobuf.dev/programming-guides/json), as Python's `ParseDict` keeps them: both spellings of names,
 * numbers as texts, unknown names ignored. At the first value that does not fit it stops, and what was
 * read before stays, as in `mlflow/server/handlers.py` (`_get_request_message`).
 */
export function compileDecoder(spec: MessageSpec): Decode {
  const readers = compileReaders(spec);
  return (json) => {
    const into: Record<string, unknown> = {};
    try {
      readFields(json, readers, into);
      return { message: into, isWhole: true };
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      return { message: into, isWhole: false };
    }
  };
}

function compileReaders({ fields }: MessageSpec): Readers {
  const readers = new Map<string, FieldReader>();
  for (const [name, spec] of Object.entries(fields)) {
    const alias = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    const reader = { name, alias, read: compileField(name, spec) };
    readers.set(name, reader);
    readers.set(alias, reader);
  }
  return readers;
}

function readFields(
  json: Readonly<Record<string, unknown>>,
  readers: Readers,
  into: Record<string, unknown>,
): void {
  for (const key in json) {
    const reader = readers.get(key);
    if (reader === undefined) continue;
    if (key !== reader.name && Object.hasOwn(json, reader.name)) {
      throw new InvalidInput(`the request holds both \`${reader.name}\` and \`${reader.alias}\``);
    }
    const value = json[key];
    if (value !== null) reader.read(value, into);
  }
}

function compileField(name: string, spec: FieldSpec): FieldReader['read'] {
  if (isRepeated(spec)) return compileRepeated(name, spec[0]);
  if (isMessage(spec)) {
    const readers = compileReaders(spec);
    return (value, into) => {
      const inner: Record<string, unknown> = {};
      into[name] = inner;
      readFields(requireObject(value), readers, inner);
    };
  }
  const read = scalarReader(spec);
  return (value, into) => {
    const found = read(value);
    if (found !== undefined) into[name] = found;
  };
}

function compileRepeated(name: string, spec: Single): FieldReader['read'] {
  const add = isMessage(spec) ? addMessage(compileReaders(spec)) : addScalar(scalarReader(spec));
  return (value, into) => {
    if (!Array.isArray(value)) throw new Misfit(name);
    const items: unknown[] = [];
    into[name] = items;
    for (const item of value) add(item, items);
  };
}

function addMessage(readers: Readers): (item: unknown, items: unknown[]) => void {
  return (item, items) => {
    const inner: Record<string, unknown> = {};
    items.push(inner);
    readFields(requireObject(item), readers, inner);
  };
}

function addScalar(read: (value: unknown) => unknown): (item: unknown, items: unknown[]) => void {
  return (item, items) => {
    const found = read(item);
    if (found !== undefined) items.push(found);
  };
}

function isRepeated(spec: FieldSpec): spec is readonly [Single] {
  return Array.isArray(spec);
}

function isMessage(spec: Single): spec is MessageSpec {
  return typeof spec === 'object' && 'fields' in spec;
}

function requireObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new Misfit('a message is an object');
}

function scalarReader(spec: Scalar | EnumSpec): (value: unknown) => unknown {
  if (typeof spec === 'object') return (value) => readName(value, spec.names);
  switch (spec) {
    case 'string':
      return readString;
    case 'bool':
      return readBool;
    case 'double':
      return readDouble;
    case 'int64':
      return (value) => readInteger(value, 2 ** 63);
    case 'int32':
      return (value) => readInteger(value, 2 ** 31);
  }
}

function readString(value: unknown): string {
  if (typeof value === 'string' && value.isWellFormed()) return value;
  throw new Misfit('a string');
}

function readBool(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new Misfit('a bool');
}

/** Texts may be written as a float that is whole: `5.0`, `1e3`. */
function readInteger(value: unknown, limit: number): number {
  const isSpaced = typeof value === 'string' && value.includes(' ');
  const number = typeof value === 'string' && !isSpaced ? parseDecimal(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number < limit && number >= -limit)
    return number;
  throw new Misfit('an integer');
}

function readDouble(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string') {
    if (value === 'NaN') return Number.NaN;
    if (value === 'Infinity' || value === '-Infinity') return Number(value);
    const number = parseDecimal(value);
    if (number !== undefined) return number;
  }
  throw new Misfit('a double');
}

/** A name or a number; a name that the enumeration does not have is as if it was not sent. */
function readName(value: unknown, names: EnumSpec['names']): string | undefined {
  const isNumber =
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    (typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value));
  if (typeof value === 'string' && !isNumber) {
    return Object.values(names).includes(value) ? value : undefined;
  }
  const name = isNumber ? names[Math.trunc(Number(value))] : undefined;
  if (name !== undefined) return name;
  throw new Misfit('an enumeration');
}
