import { basename } from 'node:path';
import type { Param } from '../core/entities.ts';
import { InvalidInput } from '../core/errors.ts';
import { quoteForShell } from '../core/shell-word.ts';
import { suggestName } from '../core/suggestion.ts';
import { placeIn } from './file-report.ts';
import type { EntryPoint } from './project.ts';
import { formatTemplate, TemplateFault } from './python-format.ts';

/**
 * The line for bash that runs an entry point: its template filled in as Python's `str.format` does it,
 * every value one shell word, what is not declared appended as `--name value`
 * (`mlflow/projects/_project_spec.py`, `compute_command`).
 *
 * MLflow appends after the last line break of a block text (`command: |`), where the shell takes
 * `--name` for a command of its own; here line breaks at the end are dropped first.
 *
 * @throws InvalidInput for values that no program can be given and templates that cannot be filled in.
 */
export function buildCommand(
  entryPoint: EntryPoint,
  values: ReadonlyMap<string, string>,
  extras: readonly Param[],
): string {
  const quoted = new Map([...values].map(([name, value]) => [name, quoteForShell(value)]));
  const command = fillTemplate(entryPoint, quoted);
  if (extras.length === 0) return command;
  const appended = extras.map(
    ({ key, value }) => `--${quoteForShell(key)} ${quoteForShell(value)}`,
  );
  return [command.replace(/\n+$/, ''), ...appended].join(' ');
}

/** What keeps the template of an entry point from being filled in; undefined where nothing does. */
export function findTemplateProblem(entryPoint: EntryPoint): InvalidInput | undefined {
  const words = new Map(entryPoint.parameters.map(({ name }) => [name, 'x']));
  try {
    fillTemplate(entryPoint, words);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidInput) return error;
    throw error;
  }
}

function fillTemplate(entryPoint: EntryPoint, words: ReadonlyMap<string, string>): string {
  try {
    return formatTemplate(entryPoint.command, words);
  } catch (error) {
    if (error instanceof TemplateFault) throw describeFault(entryPoint, error);
    throw error;
  }
}

function describeFault(
  { name, file, commandLine, parameters }: EntryPoint,
  fault: TemplateFault,
): InvalidInput {
  const place = placeIn(file === undefined ? undefined : basename(file), commandLine);
  const names = parameters.map((parameter) => parameter.name);
  const meant = fault.unknownName && suggestName(fault.unknownName, names);
  return new InvalidInput(
    `the command of \`${name}\` cannot be filled in: ${fault.message}, at character ${fault.position}${place}`,
    { hint: meant ? `did you mean \`{${meant}}\`?` : fault.hint, cause: fault },
  );
}
