import { formatPythonFloat } from '../core/python-value.ts';

/** `json.dumps` of what was read from YAML: bigint is Python's int, number its float. */
export function dumpPythonJson(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return formatPythonFloat(value);
  if (Array.isArray(value)) return `[${value.map(dumpPythonJson).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([k, v]) => `${quote(k)}: ${dumpPythonJson(v)}`);
    return `{${entries.join(', ')}}`;
  }
  return quote(String(value));
}

function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
