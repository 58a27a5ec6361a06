import { formatPythonFloat } from './python-value.ts';

/** A number that Python holds as a float: 1 is written `1.0`. */
export class PythonFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export type PythonJson =
  | string
  | number
  | bigint
  | boolean
  | null
  | PythonFloat
  | readonly PythonJson[]
  | { readonly [key: string]: PythonJson };

/** What `json.dumps(value)` writes, in one line: ASCII only, `NaN` and `Infinity` as they are. */
export function dumpPythonJson(value: PythonJson): string {
  return write(value, (items, open, close) => `${open}${items.join(', ')}${close}`);
}

/** What `json.dumps(value, indent=...)` writes. */
export function formatPythonJson(value: PythonJson, indent: number, margin = ''): string {
  const inner = margin + ' '.repeat(indent);
  return write(
    value,
    (items, open, close) => `${open}\n${inner}${items.join(`,\n${inner}`)}\n${margin}${close}`,
    (item) => formatPythonJson(item, indent, inner),
  );
}

type Join = (items: readonly string[], open: string, close: string) => string;

function write(
  value: PythonJson,
  join: Join,
  writeItem: (item: PythonJson) => string = (item) => write(item, join),
): string {
  if (value instanceof PythonFloat) return formatFloat(value.value);
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return value.length === 0 ? '[]' : join(value.map(writeItem), '[', ']');
  const items = Object.entries(value).map(([key, item]) => `${quote(key)}: ${writeItem(item)}`);
  return items.length === 0 ? '{}' : join(items, '{', '}');
}

function isList(value: PythonJson): value is readonly PythonJson[] {
  return Array.isArray(value);
}

function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return formatPythonFloat(value);
}

function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
