import { extname, join } from 'node:path';
import type { Env } from '../core/environment-variables.ts';
import { InvalidInputs, NotFound } from '../core/errors.ts';
import { isShellWord, quoteForShell } from '../core/shell-word.ts';
import { suggestName } from '../core/suggestion.ts';
import { listWords } from '../core/wording.ts';
import { kindOf } from '../host/files.ts';
import { placeIn } from './file-report.ts';
import { listEntryPointProblems } from './load-project.ts';
import type { EntryPoint, Project } from './project.ts';

/**
 * The entry point of that name, or else the project's script of that name: `.py`, `.sh` or `.R`
 * (`get_entry_point` in `mlflow/projects/_project_spec.py`).
 *
 * @throws NotFound where there is neither, naming the entry points there are; InvalidInputs where the
 * entry point is declared but cannot be run, with all that is wrong with any of them.
 */
export async function findEntryPoint(
  project: Project,
  name: string,
  env: Env,
): Promise<EntryPoint> {
  const declared = project.entryPoints.find((entryPoint) => entryPoint.name === name);
  if (declared !== undefined) {
    if (declared.problems.length > 0) throw new InvalidInputs(listEntryPointProblems(project));
    return declared;
  }
  const command = createScriptCommand(name, env);
  if (command === undefined) throw missingEntryPoint(project, name);
  if ((await kindOf(join(project.directory, name))) !== 'file') throw missingScript(project, name);
  return {
    name,
    parameters: [],
    command: command.replaceAll('{', '{{').replaceAll('}', '}}'),
    commandLine: undefined,
    file: undefined,
    line: undefined,
    problems: [],
  };
}

/** The command as MLflow writes it, which runs in the project's folder; undefined for no script's name. */
function createScriptCommand(name: string, env: Env): string | undefined {
  switch (extname(name)) {
    case '.py':
      return `python ${quoteForShell(name)}`;
    case '.sh':
      return `${quoteForShell(env.SHELL || 'bash')} ${quoteForShell(name)}`;
    case '.R':
      return createRCommand(name);
    default:
      return undefined;
  }
}

/** MLflow's own words for plain names; for others its quotes would end within R's. */
function createRCommand(name: string): string {
  if (isShellWord(name)) return `Rscript -e "mlflow::mlflow_source('${name}')" --args`;
  const text = name.replace(/[\\']/g, '\\$&');
  return `Rscript -e ${quoteForShell(`mlflow::mlflow_source('${text}')`)} --args`;
}

function missingEntryPoint(project: Project, name: string): NotFound {
  return new NotFound(
    `there is no entry point \`${name}\`${placeIn(project.file, undefined)}, and its name is not that of a .py, .sh or .R script`,
    { hint: suggestEntryPoint(project, name) },
  );
}

function missingScript(project: Project, name: string): NotFound {
  return new NotFound(
    `\`${name}\` is neither an entry point nor a script in ${project.directory}`,
    { hint: suggestEntryPoint(project, name) },
  );
}

function suggestEntryPoint({ entryPoints, file }: Project, name: string): string {
  const names = entryPoints.map((entryPoint) => entryPoint.name);
  if (names.length === 0) {
    const none =
      file === undefined ? 'the project has no MLproject file' : `${file} declares no entry points`;
    return `${none}: name a script, as in \`-e train.py\``;
  }
  const meant = suggestName(name, names);
  const known = `its entry points are ${listWords(names)}`;
  return meant === undefined ? known : `did you mean \`-e ${meant}\`? ${known}`;
}
