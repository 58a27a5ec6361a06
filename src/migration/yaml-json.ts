import { dumpPythonJson, PythonFloat, type PythonJson } from '../core/python-json.ts';

/** `json.dumps` of what was read from YAML: bigint is Python's int, number its float. */
export function dumpYamlAsJson(value: unknown): string {
  return dumpPythonJson(toJson(value));
}

function toJson(value: unknown): PythonJson {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return new PythonFloat(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object') return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
}
