import { InvalidArgumentError, Option } from 'commander';

/** `--max-results`: a whole number from 0. */
export function createMaxResultsOption(): Option {
  return new Option('--max-results <count>', 'how many at most; default: all').argParser(
    parseCount,
  );
}

export function parseCount(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 0.');
}
