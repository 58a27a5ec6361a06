import { basename, resolve } from 'node:path';
import { InvalidInputs, type MltsError } from '../core/errors.ts';
import { describeKind, formatPythonText } from '../core/python-value.ts';
import { readEntryPoints } from './declared-entry-points.ts';
import {
  ENVIRONMENT_FIELDS,
  findDefaultEnvironment,
  readProjectEnvironment,
} from './environment-fields.ts';
import type { FileReport } from './file-report.ts';
import { type Field, type MLprojectFile, readFields, readMLprojectFile } from './mlproject-file.ts';
import type { Project } from './project.ts';

const FIELDS = ['name', 'entry_points', ...ENVIRONMENT_FIELDS, 'databricks_spark_job'];

/**
 * Reads and checks the project in a folder, as `load_project` in `mlflow/projects/_project_spec.py`
 * does; a folder without an MLproject file is a project whose scripts can be run.
 *
 * @throws InvalidInputs with all problems of the file at once, each with its line; InvalidInput for a
 * file that cannot be read at all; NotFound where there is no such folder.
 */
export async function loadProject(directory: string): Promise<Project> {
  const absolute = resolve(directory);
  const file = await readMLprojectFile(absolute);
  return file === undefined ? createBareProject(absolute) : checkProject(file, absolute);
}

/**
 * Problems of single entry points, which do not keep the others from running: `mlts project validate`
 * shows them all.
 */
export function listEntryPointProblems(project: Project): readonly MltsError[] {
  return project.entryPoints.flatMap(({ problems }) => problems);
}

async function createBareProject(directory: string): Promise<Project> {
  return {
    name: undefined,
    directory,
    file: undefined,
    entryPoints: [],
    environment: await findDefaultEnvironment(directory),
    docker: undefined,
    warnings: [],
  };
}

async function checkProject(
  { path, root, report }: MLprojectFile,
  directory: string,
): Promise<Project> {
  const fields = readFields(root, FIELDS, 'an MLproject file', report);
  refuseDatabricksJob(fields.get('databricks_spark_job'), report);
  const name = readName(fields.get('name'), report);
  const environment = await readProjectEnvironment(fields, directory, report);
  const entryPoints = readEntryPoints(fields.get('entry_points'), path, report);
  const project = {
    name,
    directory,
    file: basename(path),
    entryPoints,
    ...environment,
    warnings: report.warnings,
  };
  if (report.problems.length === 0) return project;
  throw new InvalidInputs([...report.problems, ...listEntryPointProblems(project)]);
}

function readName(field: Field | undefined, report: FileReport): string | undefined {
  if (field === undefined || field.value.kind === 'none') return undefined;
  if (field.value.kind !== 'mapping' && field.value.kind !== 'list') {
    return formatPythonText(field.value);
  }
  report.addProblem(field.line, `\`name\` must be text, not ${describeKind(field.value)}`);
  return undefined;
}

function refuseDatabricksJob(field: Field | undefined, report: FileReport): void {
  if (field === undefined || field.value.kind === 'none') return;
  const what = '`databricks_spark_job` describes a job that only Databricks can run';
  report.addProblem(field.line, what, 'run it with `mlflow run --backend databricks`');
}
