import { InvalidArgumentError, Option } from 'commander';
import { readDuration } from '../../tracking/trace-archival.ts';

/** `--trace-archival-retention`: how long the server keeps traces before it archives them. */
export function createRetentionOption(): Option {
  return new Option(
    '--trace-archival-retention <duration>',
    'archive traces after so long, such as 30d, 12h or 45m',
  ).argParser(parseDuration);
}

/** @throws InvalidArgumentError, so exit 2, as click does. */
export function parseDuration(text: string): string {
  const duration = readDuration(text);
  if (duration !== undefined) return duration;
  throw new InvalidArgumentError('It must be a whole number and one of m, h and d, as in 30d.');
}
