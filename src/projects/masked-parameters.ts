import type { Param } from '../core/entities.ts';
import { isSecretName } from '../core/redact.ts';

/** A word without shell characters, so that a template that formats it can still be filled in. */
const MASK = 'MASKED';

/** For a terminal: values of parameters with a secret's name (`api_key`) are masked. */
export function maskValues(values: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...values].map(([name, value]) => [name, mask(name, value)]));
}

/** As `maskValues`. */
export function maskParams(params: readonly Param[]): readonly Param[] {
  return params.map(({ key, value }) => ({ key, value: mask(key, value) }));
}

function mask(name: string, value: string): string {
  return isSecretName(name) ? MASK : value;
}
