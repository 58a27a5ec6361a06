import { InvalidInput } from '../../core/errors.ts';

/** Of a column of eight bytes. */
const LARGEST_ID = 2n ** 63n - 1n;

/** @throws InvalidInput for what is no number: ids are numbers in a database. */
export function parseExperimentId(text: string): bigint {
  if (!/^\d{1,19}$/.test(text) || BigInt(text) > LARGEST_ID) {
    throw new InvalidInput(`\`${text}\` is no experiment id`, {
      hint: 'an experiment id is a number; a name is given with --experiment-name',
    });
  }
  return BigInt(text);
}
