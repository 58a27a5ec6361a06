import { InvalidInput } from '../../core/errors.ts';

/** Of a column of eight bytes. */
const LARGEST_ID = 2n ** 63n - 1n;

/** As Python's int() reads it. @throws InvalidInput for what is no number: ids are numbers in a database. */
export function parseExperimentId(text: string): bigint {
  const id = /^\s*[+-]?\d{1,19}\s*$/.test(text) ? BigInt(text.trim()) : undefined;
  if (id === undefined || id > LARGEST_ID || id < -LARGEST_ID) {
    throw new InvalidInput(`\`${text}\` is no experiment id`, {
      hint: 'an experiment id is a number; a name is given with --experiment-name',
    });
  }
  return id;
}
