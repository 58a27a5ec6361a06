import { resolve } from 'node:path';
import { describeKind, formatPythonText, type PythonNode } from '../core/python-value.ts';
import { listWords } from '../core/wording.ts';
import type { DockerEnvironment } from '../environments/docker-environment.ts';
import type { EnvironmentSource } from '../environments/environment.ts';
import { kindOf } from '../host/files.ts';
import type { FileReport } from './file-report.ts';
import { type Field, readFields } from './mlproject-file.ts';

/** In this order MLflow looks at them (`load_project` in `mlflow/projects/_project_spec.py`). */
export const ENVIRONMENT_FIELDS = ['docker_env', 'python_env', 'conda_env'] as const;

export interface ProjectEnvironment {
  readonly environment: EnvironmentSource;
  readonly docker: DockerEnvironment | undefined;
}

/** Checks that at most one environment is given, that it is whole and that its file exists. */
export async function readProjectEnvironment(
  fields: ReadonlyMap<string, Field>,
  directory: string,
  report: FileReport,
): Promise<ProjectEnvironment> {
  refuseSeveral(fields, report);
  const docker = readDockerEnvironment(fields.get('docker_env'), report);
  const python = await readEnvironmentFile('python_env', fields, directory, report);
  const conda = await readEnvironmentFile('conda_env', fields, directory, report);
  return { docker, environment: python ?? conda ?? (await findDefaultEnvironment(directory)) };
}

function refuseSeveral(fields: ReadonlyMap<string, Field>, report: FileReport): void {
  const given = ENVIRONMENT_FIELDS.filter((name) => fields.has(name));
  if (given.length < 2) return;
  const lines = given.map((name) => fields.get(name)?.line ?? 0);
  const what = `${listWords(given)} are given, but a project has one environment`;
  report.addProblem(Math.max(...lines), what, 'keep one of them');
}

async function readEnvironmentFile(
  kind: 'python_env' | 'conda_env',
  fields: ReadonlyMap<string, Field>,
  directory: string,
  report: FileReport,
): Promise<EnvironmentSource | undefined> {
  const field = fields.get(kind);
  if (field === undefined || isEmpty(field.value)) return undefined;
  if (field.value.kind !== 'string') {
    const what = `\`${kind}\` must be the name of a file, not ${describeKind(field.value)}`;
    report.addProblem(field.line, what, `write \`${kind}: ${DEFAULT_FILES[kind]}\``);
    return undefined;
  }
  const file = resolve(directory, field.value.value);
  const found = await kindOf(file);
  if (found === 'file') return { directory, kind, file };
  const what = found === undefined ? 'does not exist' : 'is a folder';
  const hint = `the name is relative to ${directory}`;
  report.addProblem(field.line, `\`${kind}\` names \`${field.value.value}\`, which ${what}`, hint);
  return undefined;
}

const DEFAULT_FILES = { python_env: 'python_env.yaml', conda_env: 'conda.yaml' } as const;

/** python_env.yaml, then conda.yaml; this is also all there is to a folder without an MLproject file. */
export async function findDefaultEnvironment(directory: string): Promise<EnvironmentSource> {
  for (const kind of ['python_env', 'conda_env'] as const) {
    const file = resolve(directory, DEFAULT_FILES[kind]);
    if ((await kindOf(file)) === 'file') return { directory, kind, file };
  }
  return { directory, kind: 'none', file: undefined };
}

/** What is false to Python: MLflow goes on as if the field were not there. */
function isEmpty(value: PythonNode): boolean {
  if (value.kind === 'string') return value.value === '';
  return value.kind === 'none' || (value.kind === 'mapping' && value.entries.length === 0);
}

function readDockerEnvironment(
  field: Field | undefined,
  report: FileReport,
): DockerEnvironment | undefined {
  if (field === undefined || isEmpty(field.value)) return undefined;
  if (field.value.kind !== 'mapping') {
    const what = `\`docker_env\` must be a mapping, not ${describeKind(field.value)}`;
    report.addProblem(field.line, what, 'write `image: python:3.11` indented below it');
    return undefined;
  }
  const fields = readFields(
    field.value,
    ['image', 'volumes', 'environment'],
    '`docker_env`',
    report,
  );
  return {
    image: readImage(fields.get('image'), field.line, report),
    volumes: readVolumes(fields.get('volumes'), report),
    environment: readVariables(fields.get('environment'), report),
  };
}

function readImage(field: Field | undefined, line: number, report: FileReport): string {
  if (field?.value.kind === 'string' && field.value.value !== '') return field.value.value;
  const isMissing = field === undefined || isEmpty(field.value);
  const what = isMissing ? '`docker_env` has no `image`' : '`image` of `docker_env` must be text';
  report.addProblem(field?.line ?? line, what, 'write `image: python:3.11`');
  return '';
}

function readVolumes(field: Field | undefined, report: FileReport): readonly string[] {
  return readItems(field, 'volumes', report).flatMap((item) => {
    if (item.kind === 'string' && item.value !== '') return item.value;
    const what = `a volume must be text, not ${describeKind(item)}`;
    report.addProblem(item.line, what, 'write it as docker does: `- "/host/data:/data:ro"`');
    return [];
  });
}

function readVariables(
  field: Field | undefined,
  report: FileReport,
): DockerEnvironment['environment'] {
  return readItems(field, 'environment', report).flatMap((item) => {
    const variable = readVariable(item);
    if (variable !== undefined) return [variable];
    const hint = 'write `- NAME` to copy a variable of yours, `- [NAME, value]` to set one';
    // The value may be a secret: it is not repeated.
    report.addProblem(item.line, 'an item of `environment` is neither a name nor a pair', hint);
    return [];
  });
}

function readVariable(item: PythonNode): DockerEnvironment['environment'][number] | undefined {
  if (item.kind === 'string') return isVariableName(item.value) ? item.value : undefined;
  if (item.kind !== 'list' || item.items.length !== 2) return undefined;
  const [name = '', value = ''] = item.items.map(formatPythonText);
  return isVariableName(name) ? [name, value] : undefined;
}

function isVariableName(text: string): boolean {
  return /^[^=\0\s]+$/.test(text);
}

function readItems(
  field: Field | undefined,
  name: string,
  report: FileReport,
): readonly PythonNode[] {
  if (field === undefined || isEmpty(field.value)) return [];
  if (field.value.kind === 'list') return field.value.items;
  const what = `\`${name}\` of \`docker_env\` must be a list, not ${describeKind(field.value)}`;
  report.addProblem(field.line, what, `write each item as \`- ...\` below \`${name}:\``);
  return [];
}
