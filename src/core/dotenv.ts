import type { Env } from './environment-variables.ts';

export interface DotenvText {
  readonly variables: Readonly<Record<string, string>>;
  /** Lines where something stands that cannot be understood; it is left out. */
  readonly unreadLines: readonly number[];
}

/**
 * Reads a file of variables as python-dotenv does, which MLflow reads its `--env-file` with: a `#` inside a bare value
 * is part of it, `${NAME}` and `${NAME:-default}` stand for variables. Those of `env` come before those of the file or,
 * with `overrides`, after them.
 */
export function readDotenv(
  text: string,
  env: Env,
  { overrides }: { readonly overrides: boolean },
): DotenvText {
  const { bindings, unreadLines } = readBindings(text);
  // A name without `=` is known and empty, but sets nothing.
  const known = new Map<string, string | null>();
  const lookUp = (name: string): string | null | undefined => {
    if (env[name] === undefined) return known.get(name);
    return overrides && known.has(name) ? known.get(name) : env[name];
  };
  for (const { name, value } of bindings) {
    known.set(name, value === null ? null : fillIn(value, lookUp));
  }
  const set = [...known].filter((entry): entry is [string, string] => entry[1] !== null);
  return { variables: Object.fromEntries(set), unreadLines };
}

export function describeUnreadLine(path: string, line: number): string {
  return `${path}:${line} is no \`NAME=value\`, and is left out`;
}

function fillIn(text: string, lookUp: (name: string) => string | null | undefined): string {
  return text.replace(/\$\{([^}:]*)(?::-([^}]*))?\}/g, (_match, name: string, or: string = '') => {
    const value = lookUp(name);
    return value === undefined ? or : (value ?? '');
  });
}

interface Binding {
  readonly name: string;
  readonly value: string | null;
}

/** Each is matched where the reading stands. */
const patterns = {
  space: /\s*/y,
  blanks: /[^\S\n]*/y,
  export: /(?:export[^\S\n]+)?/y,
  quotedName: /'([^']+)'/y,
  name: /([^=#\s]+)/y,
  equals: /=([^\S\n]*)/y,
  singleQuoted: /'((?:\\.|[^'\\])*)'/sy,
  doubleQuoted: /"((?:\\.|[^"\\])*)"/sy,
  bare: /([^\n]*)/y,
  end: /[^\S\n]*(?:#[^\n]*)?(?:\n|$)/y,
  rest: /[^\n]*\n?/y,
} as const;

function readBindings(text: string): { bindings: Binding[]; unreadLines: number[] } {
  const reader = new Reader(text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n'));
  const bindings: Binding[] = [];
  const unreadLines: number[] = [];
  for (reader.take('space'); !reader.isAtEnd; reader.take('space')) {
    const { line } = reader;
    const binding = readBinding(reader);
    if (binding !== undefined && reader.take('end') !== undefined) {
      if (binding !== 'comment') bindings.push(binding);
    } else {
      unreadLines.push(line);
      reader.take('rest');
    }
  }
  return { bindings, unreadLines };
}

/** Undefined where nothing that is understood stands; a value may be understood and be followed by what is not. */
function readBinding(reader: Reader): Binding | 'comment' | undefined {
  reader.take('export');
  if (reader.next === '#') return 'comment';
  const name = reader.take(reader.next === "'" ? 'quotedName' : 'name');
  if (name === undefined) return undefined;
  reader.take('blanks');
  const space = reader.take('equals');
  if (space === undefined) return { name, value: null };
  const value = space !== '' && reader.next === '#' ? '' : readValue(reader);
  return value === undefined ? undefined : { name, value };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function readValue(reader: Reader): string | undefined {
  if (reader.next === "'") return reader.take('singleQuoted')?.replace(/\\([\\'])/g, '$1');
  if (reader.next === '"') {
    return reader
      .take('doubleQuoted')
      ?.replace(/\\([\\'"abfnrtv])/g, (_match, escaped: string) => ESCAPES[escaped] ?? escaped);
  }
  return reader
    .take('bare')
    ?.replace(/\s+#.*/, '')
    .trimEnd();
}

/** A place in a text. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** The character at the place; `''` at the end. */
  get next(): string {
    return this.#text.charAt(this.#at);
  }

  /** Counted from 1. */
  get line(): number {
    return this.#text.slice(0, this.#at).split('\n').length;
  }

  /** Goes past the pattern and returns what its group holds; where it does not stand here, stays and returns undefined. */
  take(name: keyof typeof patterns): string | undefined {
    const pattern = patterns[name];
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[1] ?? match[0];
  }
}
