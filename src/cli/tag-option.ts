import { InvalidArgumentError, Option } from 'commander';
import type { Tag } from '../core/entities.ts';

/** `--tag KEY=VALUE`, as often as needed. */
export function createTagOption(): Option {
  return new Option('-t, --tag <key=value>', 'repeatable').argParser(
    (text: string, earlier: readonly Tag[] | undefined = []) => [...earlier, parseTag(text)],
  );
}

function parseTag(text: string): Tag {
  const [, key = '', value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (value === undefined) throw new InvalidArgumentError('Write it as key=value.');
  return { key, value };
}
