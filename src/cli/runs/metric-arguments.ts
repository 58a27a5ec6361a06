import { InvalidArgumentError } from 'commander';

const NOT_FINITE = /^([+-]?)(?:(inf|infinity)|nan)$/i;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** A number as Python's `float` reads it, but for `_` between digits. */
export function parseMetricValue(text: string): number {
  const [, sign, infinite] = NOT_FINITE.exec(text) ?? [];
  if (infinite !== undefined) return sign === '-' ? -Infinity : Infinity;
  if (sign !== undefined) return Number.NaN;
  if (DECIMAL.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number, `nan`, `inf` or `-inf`.');
}

export function parseStep(text: string): number {
  const step = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(step)) return step;
  throw new InvalidArgumentError('It must be a whole number.');
}

/** Milliseconds since 1970, or a date with or without a time; one without a zone is local. */
export function parseTimestamp(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const timestampMs = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timestampMs)) return timestampMs;
  throw new InvalidArgumentError(
    'It must be milliseconds since 1970, or a time as 2026-01-31T12:00:00Z.',
  );
}
