import { resolve } from 'node:path';
import type { Environment } from '../environments/environment.ts';
import type { Context } from '../host/context.ts';
import { readTextFile } from '../host/text-file.ts';
import { checkBackendConfig } from './backend-config.ts';
import { readChildVariables } from './child-variables.ts';
import { buildCommand } from './command.ts';
import { findEntryPoint } from './entry-point.ts';
import { loadProject } from './load-project.ts';
import {
  parseParameterArguments,
  type ResolvedParameters,
  resolveParameters,
} from './parameters.ts';
import type { EntryPoint, Project } from './project.ts';
import { openProjectEnvironment } from './project-environment.ts';
import type { RunOptions } from './run-options.ts';
import { fetchProjectSource } from './sources/fetch.ts';
import type { ProjectSource } from './sources/source.ts';

/** Of files that the command line names: parameters, variables, backend settings. */
const MAX_USER_FILE_BYTES = 10_000_000;

/** A run that is judged in full: what can be known to be wrong has been told, and nothing is created. */
export interface PreparedRun extends AsyncDisposable {
  readonly source: ProjectSource;
  readonly project: Project;
  readonly entryPoint: EntryPoint;
  /** What -P gave, by name. */
  readonly given: ReadonlyMap<string, string>;
  readonly parameters: ResolvedParameters;
  /** From --env and --env-file. */
  readonly variables: Readonly<Record<string, string>>;
  readonly environment: Environment;
}

/**
 * Fetches the project and checks everything about it that was asked for; warnings are shown.
 *
 * @throws InvalidInputs with all problems of the MLproject file, or all of the parameters.
 */
export async function prepareRun(options: RunOptions, context: Context): Promise<PreparedRun> {
  const readUserFile = (path: string) =>
    readTextFile(resolve(context.cwd, path), MAX_USER_FILE_BYTES);
  await checkBackendConfig(options.backendConfig, readUserFile);
  const given = await parseParameterArguments(options.parameterArguments, readUserFile);
  const variables = await readChildVariables(
    options.variableFiles,
    options.variableArguments,
    context.env,
    readUserFile,
    context.terminal.warn,
  );
  const source = await fetchProjectSource(options.uri, { version: options.version }, context);
  try {
    return {
      source,
      given,
      variables,
      ...(await checkProject(source, options, given, variables, context)),
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    };
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

async function checkProject(
  source: ProjectSource,
  options: RunOptions,
  given: ReadonlyMap<string, string>,
  variables: Readonly<Record<string, string>>,
  context: Context,
): Promise<Pick<PreparedRun, 'project' | 'entryPoint' | 'parameters' | 'environment'>> {
  const project = await loadProject(source.directory);
  const entryPoint = await findEntryPoint(project, options.entryPoint, context.env);
  const parameters = await resolveParameters(entryPoint, given, context.cwd, options);
  for (const warning of [...project.warnings, ...parameters.warnings]) {
    context.terminal.warn(warning);
  }
  // Built again when downloads have arrived; what cannot be built is told before anything is created.
  buildCommand(entryPoint, parameters.values, parameters.extras);
  const environment = await openProjectEnvironment(project, source, options, variables, context);
  await environment.check();
  return { project, entryPoint, parameters, environment };
}
