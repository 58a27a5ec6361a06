import { InvalidInputs } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import {
  describeProject,
  type EntryPointDescription,
  type ProjectDescription,
} from './description.ts';
import { listEntryPointProblems, loadProject } from './load-project.ts';
import type { RunOptions } from './run-options.ts';
import { fetchProjectSource } from './sources/fetch.ts';

/** The part of `mlts run URI --help` that is about the project: its entry points and their parameters. */
export async function describeSource(
  { uri, version }: Pick<RunOptions, 'uri' | 'version'>,
  context: Context,
): Promise<string> {
  await using source = await fetchProjectSource(uri, { version, needsFacts: false }, context);
  const project = await loadProject(source.directory);
  return renderDescription(describeProject(project), uri);
}

/**
 * `mlts project validate`: shows a sound project, its warnings on stderr.
 *
 * @throws InvalidInputs with all problems of the file, those of every entry point included.
 */
export async function validateProject(
  uri: string,
  output: 'text' | 'json',
  context: Context,
): Promise<string> {
  await using source = await fetchProjectSource(uri, { needsFacts: false }, context);
  const project = await loadProject(source.directory);
  for (const warning of project.warnings) context.terminal.warn(warning);
  const problems = listEntryPointProblems(project);
  if (problems.length > 0) throw new InvalidInputs(problems);
  const description = describeProject(project);
  return output === 'json'
    ? JSON.stringify(description, null, 2)
    : renderDescription(description, uri);
}

function renderDescription(
  { name, environment, file, entryPoints }: ProjectDescription,
  uri: string,
): string {
  const from = environment.from === null ? '' : ` (${environment.from})`;
  const title = `Project ${name ?? uri}: ${environment.kind === 'none' ? 'no environment named' : `${environment.kind}${from}`}`;
  if (entryPoints.length === 0) {
    const why = file === null ? 'no MLproject file' : `${file} declares no entry points`;
    return `${title}\n\n${why}: name a script with -e, as in \`mlts run ${uri} -e train.py\``;
  }
  return [title, ...entryPoints.map(renderEntryPoint)].join('\n\n');
}

function renderEntryPoint({ name, parameters, command }: EntryPointDescription): string {
  const cells = parameters.map((parameter) => [
    parameter.name,
    parameter.type,
    parameter.required ? 'required' : (parameter.default ?? ''),
  ]);
  const widths = [0, 1].map((column) =>
    Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const rows = cells.map(
    ([parameter = '', type = '', value = '']) =>
      `  ${parameter.padEnd(widths[0] ?? 0)}  ${type.padEnd(widths[1] ?? 0)}  ${value}`,
  );
  return [`-e ${name}`, ...rows, `  $ ${command.trim().replaceAll('\n', '\n    ')}`].join('\n');
}
