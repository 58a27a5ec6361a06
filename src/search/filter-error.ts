import { InvalidInput } from '../core/errors.ts';

/** The text that is wrong, in words: `filter` or `order_by`. */
export interface Source {
  readonly name: 'filter' | 'order_by';
  readonly text: string;
}

/** An error that shows the text with a mark below the character where it goes wrong. */
export function refuseAt(
  { name, text }: Source,
  position: number,
  problem: string,
  hint?: string,
): InvalidInput {
  const line = text.replace(/\s/g, ' ');
  return new InvalidInput(`${name}: ${problem}\n  ${line}\n  ${' '.repeat(position)}^`, { hint });
}
