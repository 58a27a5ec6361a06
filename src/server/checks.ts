import { InvalidInput } from '../core/errors.ts';
import { parsePythonFloat } from '../core/python-float.ts';
import type { Decoded } from './message.ts';

type Kind = 'string' | 'integer' | 'number' | 'boolean' | 'list' | 'strings';

/** What MLflow's handler asks of one field (`mlflow/server/handlers.py`, the `schema` of each). */
export interface Check {
  readonly kind?: Kind;
  readonly isRequired?: boolean;
  /** The largest number. */
  readonly most?: number;
  /** Of a list: what each of its items has to have. */
  readonly eachHas?: readonly string[];
}

export type Checks<Name extends string = string> = Readonly<Partial<Record<Name, Check>>>;

export const text: Check = { kind: 'string' };
export const requiredText: Check = { kind: 'string', isRequired: true };
export const integer: Check = { kind: 'integer' };
export const list: Check = { kind: 'list' };
export const texts: Check = { kind: 'strings' };

type CompiledChecks = readonly (readonly [string, Check])[];

export function compileChecks(checks: Checks): CompiledChecks {
  return Object.entries(checks).map(([name, check]) => [name, check ?? {}] as const);
}

/**
 * Types are looked at only where the message could not be read: what was read has the right ones.
 *
 * @throws InvalidInput
 */
export function checkRequest(
  json: Readonly<Record<string, unknown>>,
  checks: CompiledChecks,
  { isWhole }: Decoded,
): void {
  for (const [name, check] of checks) {
    const isThere = Object.hasOwn(json, name);
    if (!isThere && !check.isRequired) continue;
    const value = name === 'run_id' ? (json.run_id ?? json.run_uuid) : json[name];
    if (check.isRequired && (value === null || value === undefined || value === '')) {
      throw new InvalidInput(`\`${name}\` is missing`);
    }
    if (!isWhole && check.kind !== undefined && !isOfKind(value, check.kind)) {
      throw new InvalidInput(`\`${name}\` is ${show(value)}, and has to be ${NAMES[check.kind]}`);
    }
    if (check.most !== undefined && Number(value) > check.most) {
      throw new InvalidInput(`\`${name}\` is ${show(value)}: at most ${check.most}`);
    }
    if (check.eachHas !== undefined) checkItems(name, value, check.eachHas);
  }
}

function checkItems(name: string, items: unknown, fields: readonly string[]): void {
  if (!Array.isArray(items)) return;
  for (let index = 0; index < items.length; index += 1) {
    for (const field of fields) {
      const value: unknown = (items[index] as Readonly<Record<string, unknown>> | null)?.[field];
      if (value !== undefined && value !== null && value !== '') continue;
      throw new InvalidInput(`\`${name}[${index}].${field}\` is missing`);
    }
  }
}

const NAMES: Readonly<Record<Kind, string>> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list',
  strings: 'a list of strings',
};

function isOfKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'list':
      return Array.isArray(value);
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    // What Python's int() and float() take.
    case 'integer':
      return (
        typeof value === 'number' ||
        typeof value === 'boolean' ||
        (typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value))
      );
    case 'number':
      return (
        typeof value === 'number' ||
        typeof value === 'boolean' ||
        (typeof value === 'string' && parsePythonFloat(value) !== undefined)
      );
  }
}

const LONGEST_SHOWN = 100;

/** Lists and objects are named only: they may be as deep, and as large, as a body may be. */
function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value) ? 'a list' : 'an object';
  }
  const json = JSON.stringify(value) ?? String(value);
  return `\`${json.length > LONGEST_SHOWN ? `${json.slice(0, LONGEST_SHOWN)}...` : json}\``;
}
