import { refuseAt, type Source } from './filter-error.ts';

export type TokenKind = 'identifier' | 'string' | 'number' | 'comparison' | 'punctuation' | 'other';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly position: number;
}

const WORD = '[\\p{L}\\p{N}_][\\p{L}\\p{N}_$#]*';
const BACKTICKS = '`(?:``|[^`])*`';
const DOUBLE_QUOTES = '"(?:""|\\\\"|[^"])*"';
const SINGLE_QUOTES = "'(?:''|\\\\'|[^'])*'";
const NUMBER = '-?(?:\\d+(?:\\.\\d+)?e-?\\d+|\\d+\\.\\d*|\\.\\d+|\\d+)';

/** In the order in which they are tried; what MLflow's SQL lexer makes of a filter (`sqlparse`). */
const RULES: readonly (readonly [TokenKind, RegExp])[] = [
  ['string', new RegExp(SINGLE_QUOTES, 'uy')],
  ['number', new RegExp(`${NUMBER}(?![\\p{L}\\p{N}_])`, 'iuy')],
  [
    'identifier',
    new RegExp(
      `(?:${WORD}|${BACKTICKS}|${DOUBLE_QUOTES})(?:\\.(?:${WORD}|${BACKTICKS}|${DOUBLE_QUOTES}|${SINGLE_QUOTES})?)*`,
      'uy',
    ),
  ],
  ['comparison', /[<>=~!]+/uy],
  ['punctuation', /[(),]/uy],
  ['other', /./suy],
];

/** Splits a filter into tokens; white space only separates them. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let position = skipSpace(text, 0); position < text.length; ) {
    const token = readToken(text, position);
    tokens.push(token);
    position = skipSpace(text, position + token.text.length);
  }
  return tokens;
}

function skipSpace(text: string, start: number): number {
  const space = /\s*/y;
  space.lastIndex = start;
  space.test(text);
  return space.lastIndex;
}

function readToken(text: string, position: number): Token {
  for (const [kind, rule] of RULES) {
    rule.lastIndex = position;
    const [found] = rule.exec(text) ?? [];
    if (found !== undefined) return { kind, text: found, position };
  }
  return { kind: 'other', text: text.slice(position), position };
}

/** Reads tokens one by one, and says where in the text something else was expected. */
export class TokenReader {
  readonly #source: Source;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#tokens = tokenize(source.text);
  }

  peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  takeIf(isWanted: (token: Token) => boolean): Token | undefined {
    const token = this.peek();
    if (token === undefined || !isWanted(token)) return undefined;
    this.#next += 1;
    return token;
  }

  /** Takes these words, in any case, or nothing. */
  takeWords(...words: readonly string[]): boolean {
    const isThere = words.every((word, index) => {
      const token = this.#tokens[this.#next + index];
      return token?.kind === 'identifier' && token.text.toUpperCase() === word;
    });
    if (isThere) this.#next += words.length;
    return isThere;
  }

  takeMark(mark: string): boolean {
    return this.takeIf(({ kind, text }) => kind === 'punctuation' && text === mark) !== undefined;
  }

  /** An error at `token`, or at the next one, or at the end of the text. */
  refuse(problem: string, hint?: string, token: Token | undefined = this.peek()): Error {
    return refuseAt(this.#source, token?.position ?? this.#source.text.length, problem, hint);
  }
}
