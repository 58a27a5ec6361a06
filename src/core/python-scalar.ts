import { looksLikeTimestamp, readTimestamp } from './python-timestamp.ts';
import type { PythonScalar } from './python-value.ts';

/** PyYAML raises ValueError on it: it looks like a number or date, but is none (`0b_`, `2020-13-01`). */
export interface UnreadableScalar {
  readonly kind: 'unreadable';
  readonly looksLike: 'an integer' | 'a date';
}

const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
const BOOL = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
const FLOAT =
  /^(?:[-+]?\d[\d_]*\.[\d_]*(?:[eE][-+]\d+)?|\.\d[\d_]*(?:[eE][-+]\d+)?|[-+]?\d[\d_]*(?::[0-5]?\d)+\.[\d_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const INT =
  /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][\d_]*)|[-+]?0x[\da-fA-F_]+|[-+]?[1-9][\d_]*(?::[0-5]?\d)+)$/;

/**
 * What PyYAML's `safe_load` makes of an unquoted scalar: YAML 1.1 as its `resolver.py` and
 * `constructor.py` have it. The `yaml` package's own 1.1 schema differs: it reads `y`, `1e3` and `0o17`
 * otherwise, and turns dates into JavaScript's.
 */
export function resolvePlainScalar(text: string): PythonScalar | UnreadableScalar {
  if (NULLS.has(text)) return { kind: 'none' };
  if (BOOL.test(text)) return { kind: 'bool', value: /^(?:yes|true|on)$/i.test(text) };
  if (FLOAT.test(text)) return { kind: 'float', value: readFloat(text) };
  if (INT.test(text)) return readInt(text);
  if (!looksLikeTimestamp(text)) return { kind: 'string', value: text };
  const timestamp = readTimestamp(text);
  return timestamp === undefined
    ? { kind: 'unreadable', looksLike: 'a date' }
    : { kind: 'timestamp', ...timestamp };
}

function splitSign(text: string): [sign: 1 | -1, digits: string] {
  const digits = text.replaceAll('_', '').replace(/^[-+]/, '');
  return [text.startsWith('-') ? -1 : 1, digits];
}

function readFloat(text: string): number {
  const [sign, digits] = splitSign(text);
  if (/inf$/i.test(digits)) return sign * Number.POSITIVE_INFINITY;
  if (/nan$/i.test(digits)) return Number.NaN;
  const parts = digits.split(':').map(Number).reverse();
  return sign * parts.reduce((sum, part, position) => sum + part * 60 ** position, 0);
}

function readInt(text: string): PythonScalar | UnreadableScalar {
  const [sign, digits] = splitSign(text);
  if (digits === '0b' || digits === '0x') return { kind: 'unreadable', looksLike: 'an integer' };
  return { kind: 'int', value: BigInt(sign) * readDigits(digits) };
}

function readDigits(digits: string): bigint {
  if (/^0[bx]/.test(digits)) return BigInt(digits);
  if (digits.startsWith('0')) return BigInt(`0o${digits}`);
  return digits.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n);
}
