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
  return write(value, dumpPythonJson, (items) => items.join(', '));
}

/** What `json.dumps(value, indent=...)` writes. */
export function formatPythonJson(value: PythonJson, indent: number, margin = ''): string {
  const inner = margin + ' '.repeat(indent);
  return write(
    value,
    (item) => formatPythonJson(item, indent, inner),
    (items) => `\n${inner}${items.join(`,\n${inner}`)}\n${margin}`,
  );
}

function write(
  value: PythonJson,
  writeItem: (item: PythonJson) => string,
  join: (items: readonly string[]) => string,
): string {
  if (value instanceof PythonFloat) return formatFloat(value.value);
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return value.length === 0 ? '[]' : `[${join(value.map(writeItem))}]`;
  const items = Object.entries(value).map(([key, item]) => `${quote(key)}: ${writeItem(item)}`);
  return items.length === 0 ? '{}' : `{${join(items)}}`;
}

/** The list that a text holds as JSON; an empty one where it holds anything else. */
export function parseJsonList(text: string): readonly PythonJson[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
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
