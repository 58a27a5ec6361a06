import type { Argument, Command, Option } from 'commander';
import type { Context } from '../../host/context.ts';
import { type Candidate, type Candidates, filterCandidates, NOTHING } from './candidate.ts';
import { findArgument, readTypedLine, splitOption, type TypedLine } from './typed-line.ts';

/** All that the last of `words` may become. */
export async function findCandidates(
  program: Command,
  words: readonly string[],
  context: Context,
): Promise<Candidates> {
  const line = readTypedLine(program, words);
  const { command, current, option, isAfterDashes } = line;
  if (option !== undefined) return listValues(option, option.name(), line, context);
  if (current.startsWith('-') && !isAfterDashes) {
    const { owner, value } = splitOption(command, current);
    const attached = current.startsWith('--') && owner?.required ? value : undefined;
    if (owner === undefined || attached === undefined) return listOptions(command, current);
    const values = await listValues(owner, owner.name(), { ...line, current: attached }, context);
    return prependToAll(values, current.slice(0, current.length - attached.length));
  }
  if (command.commands.length > 0) {
    return line.positionals.length > 0 ? NOTHING : listVerbs(command, current);
  }
  const argument = findArgument(line);
  return argument === undefined ? NOTHING : listValues(argument, argument.name(), line, context);
}

/** Short ones only where one is typed already: all of them have a long name. */
function listOptions(command: Command, current: string): Candidates {
  const found = command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, short, description }): readonly Candidate[] => {
      const name = short === current ? short : long;
      return name === undefined ? [] : [{ value: name, description }];
    });
  return filterCandidates({ found }, current);
}

function listVerbs(command: Command, current: string): Candidates {
  const found = command
    .createHelp()
    .visibleCommands(command)
    .map((verb) => ({ value: verb.name(), description: verb.summary() || verb.description() }));
  return filterCandidates({ found }, current);
}

async function listValues(
  owner: Option | Argument,
  name: string,
  line: TypedLine,
  context: Context,
): Promise<Candidates> {
  if (owner.argChoices !== undefined) {
    const found = owner.argChoices.map((value) => ({ value }));
    return filterCandidates({ found }, line.current);
  }
  const { findValues } = await import('./values.ts');
  return filterCandidates(await findValues(owner, name, line, context), line.current);
}

function prependToAll({ found, ...rest }: Candidates, prefix: string): Candidates {
  return { ...rest, found: found.map((one) => ({ ...one, value: prefix + one.value })) };
}
