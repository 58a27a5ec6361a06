import { InvalidInput } from '../core/errors.ts';

const UNITS = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 } as const;

/** A size as `docker run` takes it: `2g`, `512m`, `1.5GiB`, `1048576`; units are powers of 1024. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  if (match === null) throw quantityError(text, 'a size such as 512m or 2g');
  const unit = (match[2] ?? '').toLowerCase() as keyof typeof UNITS;
  return Math.floor(Number(match[1]) * UNITS[unit]);
}

export function parseInteger(text: string): number {
  if (!/^-?\d+$/.test(text)) throw quantityError(text, 'a whole number');
  return Number(text);
}

/** A number of processors, `1.5`, in billionths. */
export function parseNanoCpus(text: string): number {
  if (!/^\d+(\.\d+)?$|^\.\d+$/.test(text)) throw quantityError(text, 'a number such as 1.5');
  return Math.round(Number(text) * 1e9);
}

/** What Go's `strconv.ParseBool` takes, as the docker command does. */
export function parseSwitch(text: string): boolean {
  if (['1', 't', 'true'].includes(text.toLowerCase())) return true;
  if (['0', 'f', 'false'].includes(text.toLowerCase())) return false;
  throw quantityError(text, 'true or false');
}

function quantityError(text: string, expected: string): InvalidInput {
  return new InvalidInput(`must be ${expected}, got \`${text}\``);
}
