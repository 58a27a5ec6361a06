/** How Python reads the values that revision 75868b020152 moves into columns of their own. */

/** The first `length` characters of a text, as Python counts them; null for what is no text. */
export function boundText(value: unknown, length: number): string | null {
  if (typeof value !== 'string') return null;
  return value.length <= length ? value : [...value].slice(0, length).join('');
}

/** A number in JSON, its digits kept: token counts may be past 2^53. */
export class JsonNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }
}

/** As `json.loads`; NaN and the infinities, which Python writes into JSON, are read as null. @throws SyntaxError */
export function parsePythonJson(text: string): unknown {
  const strict = text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/gs, (found) =>
    found.startsWith('"') ? found : 'null',
  );
  const revive = (_key: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' ? new JsonNumber(source ?? String(value)) : value;
  return JSON.parse(strict, revive as (key: string, value: unknown) => unknown);
}

/** An object in JSON; an empty one for anything else. */
export function readJsonObject(text: unknown): Readonly<Record<string, unknown>> {
  const value = typeof text === 'string' ? tryParse(text) : undefined;
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject && !(value instanceof JsonNumber) ? (value as Record<string, unknown>) : {};
}

function tryParse(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}

const DECIMAL = /^[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d+)?$/i;

/** Python's `float()`, where it is finite. */
export function readCost(value: unknown): number | null {
  const text = textOf(value);
  if (text === undefined || !DECIMAL.test(text)) return null;
  const cost = Number(text.replaceAll('_', ''));
  return Number.isFinite(cost) ? cost : null;
}

const MOST = 2n ** 63n - 1n;
const LEAST = -(2n ** 63n);

/** A whole number that a BIGINT holds, however it is written: `7`, `7.0`, `"7"`, `7e3`. */
export function readTokenCount(value: unknown): bigint | null {
  const text = textOf(value);
  if (text === undefined || !DECIMAL.test(text)) return null;
  const [mantissa = '', exponent = '0'] = text.replaceAll('_', '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = `${whole}${fraction}`;
  const shift = Number(exponent) - fraction.length;
  if (/^[+-]?0*$/.test(digits)) return 0n;
  if (shift > 19) return null;
  const [kept, lost] = shift >= 0 ? [digits + '0'.repeat(shift), ''] : cut(digits, -shift);
  if (!/^0*$/.test(lost) || !/\d/.test(kept)) return null;
  const count = BigInt(kept.replace('+', ''));
  return count >= LEAST && count <= MOST ? count : null;
}

function cut(digits: string, count: number): [string, string] {
  return [digits.slice(0, -count), digits.slice(-count)];
}

function textOf(value: unknown): string | undefined {
  if (value instanceof JsonNumber) return value.digits;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? value.trim() : undefined;
}

/** What an assessment counts as in averages, and whether it is a number by itself. */
export interface Aggregate {
  readonly value: number | null;
  readonly isNumeric: boolean;
}

/** @param text an assessment's value as it is stored: JSON, or any text. */
export function readAggregate(text: string): Aggregate {
  const value = tryParse(text) ?? text;
  if (typeof value === 'boolean') return { value: value ? 1 : 0, isNumeric: false };
  if (value instanceof JsonNumber) {
    const number = readCost(value);
    return { value: number, isNumeric: number !== null };
  }
  const word = typeof value === 'string' ? value.trim().toLowerCase() : '';
  if (word === 'yes' || word === 'no') return { value: word === 'yes' ? 1 : 0, isNumeric: false };
  return { value: null, isNumeric: false };
}
