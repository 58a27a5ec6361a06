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
  let command = program;
  let option: Option | undefined;
  let isAfterDashes = false;
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  const keep = (owner: Option, value: string): void => {
    values.set(owner.name(), [...(values.get(owner.name()) ?? []), value]);
  };
  for (const word of words.slice(0, -1)) {
    if (option !== undefined) {
      keep(option, word);
      option = undefined;
    } else if (isAfterDashes || !/^-./.test(word)) {
      const verb = positionals.length === 0 ? findVerb(command, word) : undefined;
      if (verb !== undefined) command = verb;
      else if (!isHelp(command, word)) positionals.push(word);
    } else if (word === '--') {
      isAfterDashes = true;
    } else {
      const { owner, value } = splitOption(command, word);
      if (owner !== undefined && value !== undefined) keep(owner, value);
      else if (owner?.required) option = owner;
    }
  }
  return { command, current: words.at(-1) ?? '', option, isAfterDashes, values, positionals };
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
