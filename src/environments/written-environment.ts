import type { Document, LineCounter, Node, Pair } from 'yaml';
import { InvalidInput } from '../core/errors.ts';

/** A value with the place where it stands: `conda.yaml:5`. */
export interface Located<T> {
  readonly value: T;
  readonly place: string;
}

/** A YAML mapping as written, and where its parts stand; problems are collected while it is read. */
export interface WrittenEnvironment {
  /** The file's name, for messages. */
  readonly file: string;
  readonly entries: ReadonlyMap<string, Located<unknown>>;
  /** The items of the list at `key`; empty where the key is absent. A value of another kind is a problem. */
  list(key: string): readonly Located<unknown>[];
  addProblem(place: string, message: string, hint: string): void;
}

/**
 * Parses an environment file and keeps where everything stands; what is wrong with it goes to `problems`.
 */
export async function parseWritten(
  text: string,
  file: string,
  problems: InvalidInput[],
): Promise<WrittenEnvironment> {
  const { LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  // YAML 1.1 is what PyYAML reads; a key that stands twice counts the last time, as there.
  const document = parseDocument(text, { version: '1.1', lineCounter: lines, uniqueKeys: false });
  const addProblem = (place: string, message: string, hint: string): void => {
    problems.push(new InvalidInput(`${message} (${place})`, { hint }));
  };
  for (const { message, pos } of document.errors) {
    const place = `${file}:${lines.linePos(pos[0]).line}`;
    addProblem(place, `not valid YAML: ${message.split('\n')[0]}`, 'correct the file');
  }
  const entries = await locateEntries(document, lines, file, addProblem).catch((error: unknown) => {
    // What `yaml` throws of aliases that stand for nothing, for themselves, or for far too much.
    if (!(error instanceof ReferenceError)) throw error;
    addProblem(file, `not valid YAML: ${error.message}`, 'write the values out');
    return new Map<string, Located<unknown>>();
  });
  return {
    file,
    entries,
    addProblem,
    list: (key) => locateList(entries.get(key), key, addProblem),
  };
}

type AddProblem = WrittenEnvironment['addProblem'];

async function locateEntries(
  document: Document,
  lines: LineCounter,
  file: string,
  addProblem: AddProblem,
): Promise<ReadonlyMap<string, Located<unknown>>> {
  const { isAlias, isMap, isSeq, visit } = await import('yaml');
  const entries = new Map<string, Located<unknown>>();
  if (document.contents === null || document.errors.length > 0) return entries;
  if (!isMap(document.contents)) {
    addProblem(`${file}:1`, 'expected `key: value` lines', 'see the MLflow Projects documentation');
    return entries;
  }
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return;
      throw new ReferenceError(`\`*${alias.source}\` stands for nothing`);
    },
  });
  const locate = (node: unknown, fallback: Node): Located<unknown> => ({
    value: (node as Node | null)?.toJS(document) ?? null,
    place: `${file}:${lines.linePos(((node as Node | null) ?? fallback).range?.[0] ?? 0).line}`,
  });
  for (const { key, value: written } of document.contents.items as Pair<Node, Node | null>[]) {
    const { place } = locate(key, key);
    const value = isAlias(written) ? (written.resolve(document) ?? null) : written;
    const items = isSeq(value)
      ? value.items.map((item) => locate(item, value))
      : locate(value, key).value;
    entries.set(String(key.toJS(document)), { value: items, place });
  }
  return entries;
}

function locateList(
  entry: Located<unknown> | undefined,
  key: string,
  addProblem: AddProblem,
): readonly Located<unknown>[] {
  if (entry === undefined || entry.value === null) return [];
  if (Array.isArray(entry.value)) return entry.value as Located<unknown>[];
  addProblem(
    entry.place,
    `\`${key}\` must be a list`,
    'put each item on a line of its own after `- `',
  );
  return [];
}

/** A value for a message; an alias may make one that holds itself. */
export function showWritten(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'a value that holds itself';
  }
}

/** The items that are text; every other one is a problem. */
export function keepStrings(
  items: readonly Located<unknown>[],
  key: string,
  written: WrittenEnvironment,
): readonly string[] {
  return items.flatMap(({ value, place }) => {
    if (typeof value === 'string') return [value];
    const shown = showWritten(value);
    written.addProblem(
      place,
      `\`${key}\` has ${shown}, expected text`,
      'write a requirement, quoted',
    );
    return [];
  });
}
