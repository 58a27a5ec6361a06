import { formatPythonFloat } from '../core/python-value.ts';

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
  | boolean
  | null
  | PythonFloat
  | readonly PythonJson[]
  | { readonly [key: string]: PythonJson };

/** What `json.dumps(value, indent=...)` writes: ASCII only, `NaN` and `Infinity` as they are. */
export function formatPythonJson(value: PythonJson, indent: number, margin = ''): string {
  if (value instanceof PythonFloat) return formatFloat(value.value);
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = margin + ' '.repeat(indent);
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((item: PythonJson) => formatPythonJson(item, indent, inner))
    : Object.entries(value).map(
        ([key, item]) => `${quote(key)}: ${formatPythonJson(item as PythonJson, indent, inner)}`,
      );
  const [open, close] = isList ? '[]' : '{}';
  if (items.length === 0) return `${open}${close}`;
  return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${margin}${close}`;
}

function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return formatPythonFloat(value);
}

/** A text as `json.dumps` writes it. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
