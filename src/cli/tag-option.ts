import { InvalidArgumentError, Option } from 'commander';
import type { Tag } from '../core/entities.ts';

/** `--tag KEY=VALUE`, as often as needed. */
export function createTagOption(flags = '-t, --tag <key=value>', text = 'repeatable'): Option {
  return new Option(flags, text).argParser(
    (given: string, earlier: readonly Tag[] | undefined = []) => [...earlier, parseTag(given)],
  );
}

function parseTag(text: string): Tag {
  const [, key = '', value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (value === undefined) throw new InvalidArgumentError('Write it as key=value.');
  return { key, value };
}
