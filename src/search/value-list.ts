import { isQuoted } from './field.ts';
import type { Token, TokenReader } from './tokens.ts';

/**
 * The texts in `('a', 'b')`, which MLflow reads as Python reads a tuple (`ast.literal_eval`): escapes are
 * resolved, texts side by side are one, and a comma may follow the last. `check` sees each of them.
 */
export function readList(
  reader: TokenReader,
  check: (text: string, token: Token) => string,
): readonly string[] {
  if (!reader.takeMark('(')) {
    throw reader.refuse('a list in parentheses is missing', "write ('a', 'b')");
  }
  const values: string[] = [];
  do {
    if (values.length > 0 && reader.peek()?.text === ')') break;
    values.push(readItem(reader, check));
  } while (reader.takeMark(','));
  if (!reader.takeMark(')')) {
    throw reader.refuse('`)` is missing after the list', "write ('a', 'b')");
  }
  return values;
}

function readItem(reader: TokenReader, check: (text: string, token: Token) => string): string {
  const first = takeString(reader);
  if (first === undefined) throw reader.refuse('a text in quotes is missing', "write ('a', 'b')");
  let text = readPythonText(first.text);
  for (let next = takeString(reader); next !== undefined; next = takeString(reader)) {
    text += readPythonText(next.text);
  }
  return check(text, first);
}

function takeString(reader: TokenReader): Token | undefined {
  return reader.takeIf(
    ({ kind, text }) => kind === 'string' || (kind === 'identifier' && isQuoted(text, '"')),
  );
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

/** Without its quotes; a doubled quote is the end of one text and the beginning of the next. */
function readPythonText(quoted: string): string {
  const quote = quoted.charAt(0);
  return quoted
    .slice(1, -1)
    .replaceAll(quote + quote, '')
    .replace(/\\([\\'"ntr])/g, (_all, escaped: string) => ESCAPES[escaped] ?? escaped);
}
