import { InvalidArgumentError } from 'commander';

/** A whole number from `least` to `most`. @throws InvalidArgumentError, which commander tells as a usage error. */
export function readCount(text: string, least: number, most: number): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= least && count <= most) return count;
  throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
}
