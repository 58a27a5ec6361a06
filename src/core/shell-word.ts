import { InvalidInput } from './errors.ts';

const UNSAFE = /[^\w@%+=:,./-]/;

/** True for text that a shell reads as one word just as it stands. */
export function isShellWord(text: string): boolean {
  return text !== '' && !UNSAFE.test(text);
}

/** False for what no program can be given: a NUL character, half of a surrogate pair. */
export function isPassable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/**
 * One word for a POSIX shell that stands for exactly `text`; the same text as Python's `shlex.quote`.
 *
 * @throws InvalidInput for what is not passable.
 */
export function quoteForShell(text: string): string {
  if (!isPassable(text)) {
    throw new InvalidInput(
      'a NUL character or half a Unicode character cannot be passed to a command',
    );
  }
  return isShellWord(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}
