import type { Argument, Command, Option } from 'commander';

/** What stands before the cursor, read against commander's own tree of verbs and options. */
export interface TypedLine {
  readonly command: Command;
  /** The word at the cursor, as far as it is typed. */
  readonly current: string;
  /** The option whose value `current` is. */
  readonly option: Option | undefined;
  readonly isAfterDashes: boolean;
  /** Values of the options typed so far, by their long names without dashes. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

/** Reads `words`, the last of which is the one at the cursor. Nothing is checked: the line is not finished. */
export function readTypedLine(program: Command, words: readonly string[]): TypedLine {
  const start: TypedLine = {
    command: program,
    current: words.at(-1) ?? '',
    option: undefined,
    isAfterDashes: false,
    values: new Map(),
    positionals: [],
  };
  return words.slice(0, -1).reduce(readWord, start);
}

function readWord(line: TypedLine, word: string): TypedLine {
  if (line.option !== undefined) return keepValue(line, line.option, word);
  if (line.isAfterDashes || !/^-./.test(word)) return readPlainWord(line, word);
  if (word === '--') return { ...line, isAfterDashes: true };
  const { owner, value } = splitOption(line.command, word);
  if (owner !== undefined && value !== undefined) return keepValue(line, owner, value);
  return owner?.required ? { ...line, option: owner } : line;
}

/** A verb, or an argument of the verb. */
function readPlainWord(line: TypedLine, word: string): TypedLine {
  const { command, positionals } = line;
  const verb = positionals.length === 0 ? findVerb(command, word) : undefined;
  if (verb !== undefined) return { ...line, command: verb };
  return isHelp(command, word) ? line : { ...line, positionals: [...positionals, word] };
}

function keepValue(line: TypedLine, owner: Option, value: string): TypedLine {
  const earlier = line.values.get(owner.name()) ?? [];
  const values = new Map([...line.values, [owner.name(), [...earlier, value]]]);
  return { ...line, option: undefined, values };
}

/** `--name`, `--name=value`, `-n` and `-nvalue`, as commander takes them. */
export function splitOption(
  command: Command,
  word: string,
): { readonly owner: Option | undefined; readonly value: string | undefined } {
  const [, name = word, value] = (word.startsWith('--')
    ? /^(--[^=]*)(?:=(.*))?$/s
    : /^(-.)(.+)?$/s
  ).exec(word) ?? [word];
  const owner = command.options.find(({ long, short }) => long === name || short === name);
  return { owner, value };
}

/** The argument that the next positional word is; the last one may be repeated. */
export function findArgument({ command, positionals }: TypedLine): Argument | undefined {
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  return registeredArguments[positionals.length] ?? (last?.variadic ? last : undefined);
}

function findVerb(command: Command, word: string): Command | undefined {
  return command.commands.find((verb) => verb.name() === word || verb.aliases().includes(word));
}

/** `mlts help runs` goes on as `mlts runs` does. */
function isHelp(command: Command, word: string): boolean {
  return word === 'help' && command.commands.length > 0;
}
