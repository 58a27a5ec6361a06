import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MltsError } from '../../src/core/errors.ts';
import { buildCommand } from '../../src/projects/command.ts';
import { findEntryPoint } from '../../src/projects/entry-point.ts';
import { loadProject } from '../../src/projects/load-project.ts';
import { resolveParameters } from '../../src/projects/parameters.ts';
import { askPython } from '../setup/mlflow.ts';
import { ACCEPTED, BEYOND, type Case, REFUSED } from './project-cases.ts';

/** What is compared: the environment that was found, what is logged, and the command. */
interface Outcome {
  readonly environment: readonly [kind: string, from: string | null];
  readonly logged: readonly (readonly [key: string, value: string])[];
  readonly command: string;
}

/** MLflow logs its shell-quoted values and names; what is meant by them is compared. */
const ASK_MLFLOW = `
import json, os, shlex, sys, tempfile
from mlflow.projects._project_spec import load_project

def unquote(word):
    (text,) = shlex.split(word)
    return text

def run(case):
    project = load_project(case["directory"])
    entry_point = project.get_entry_point(case["entryPoint"])
    params, extras = entry_point.compute_parameters(case["given"], None)
    logged = [[key, unquote(value)] for key, value in params.items()]
    logged += [[unquote(key), unquote(value)] for key, value in extras.items()]
    command = entry_point.compute_command(case["given"], tempfile.mkdtemp())
    found = project.env_config_path
    source = project.docker_env["image"] if project.docker_env else found and os.path.abspath(found)
    return {"environment": [project.env_type, source], "logged": logged, "command": command}

def attempt(case):
    try:
        return run(case)
    except BaseException as error:
        return {"refused": f"{type(error).__name__}: {error}"}

print(json.dumps([attempt(case) for case in json.load(open(sys.argv[1]))]))
`;

const ALL: Readonly<Record<string, Case>> = {
  ...ACCEPTED,
  ...REFUSED,
  ...Object.fromEntries(Object.entries(BEYOND).map(([name, [one]]) => [name, one])),
};
const theirs = new Map<string, Outcome | { readonly refused: string }>();
let root = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mlts-parity-'));
  const asked = [];
  for (const [name, one] of Object.entries(ALL)) asked.push(await writeCase(name, one));
  await writeFile(join(root, 'cases.json'), JSON.stringify(asked));
  const env = { SHELL: '/bin/bash' };
  const answers = await askPython<(Outcome | { refused: string })[]>(
    ASK_MLFLOW,
    [join(root, 'cases.json')],
    { cwd: root, env },
  );
  for (const [position, name] of Object.keys(ALL).entries()) {
    const answer = answers[position];
    if (answer !== undefined) theirs.set(name, answer);
  }
});

afterAll(() => rm(root, { recursive: true, force: true }));

const folderOf = (name: string): string => join(root, name.replaceAll(' ', '-'));

function readGiven(name: string, { given = {} }: Case): Record<string, string> {
  const entries = Object.entries(given);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, value.replaceAll('[DIR]', folderOf(name))]),
  );
}

async function writeCase(name: string, one: Case): Promise<object> {
  const directory = folderOf(name);
  for (const [file, text] of Object.entries(one.files)) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await writeFile(join(directory, file), text);
  }
  return { directory, entryPoint: one.entryPoint ?? 'main', given: readGiven(name, one) };
}

async function runOurs(name: string, one: Case): Promise<Outcome | { readonly refused: string }> {
  try {
    const project = await loadProject(folderOf(name));
    const entryPoint = await findEntryPoint(project, one.entryPoint ?? 'main', {
      SHELL: '/bin/bash',
    });
    const given = new Map(Object.entries(readGiven(name, one)));
    const { logged, values, extras } = await resolveParameters(entryPoint, given, root, {
      uri: '.',
      version: undefined,
      environmentManager: undefined,
    });
    const { kind, file = null } = project.environment;
    // A project without an environment is a Python project without a file to MLflow.
    const environment = [kind === 'none' ? 'python_env' : kind, file] as const;
    return {
      environment:
        project.docker === undefined ? environment : ['docker_env', project.docker.image],
      logged: logged.map(({ key, value }) => [key, value]),
      command: buildCommand(entryPoint, values, extras),
    };
  } catch (error) {
    if (error instanceof MltsError) return { refused: error.message };
    throw error;
  }
}

test.each(Object.entries(ACCEPTED))('%s: as MLflow', async (name, one) => {
  const ours = await runOurs(name, one);
  const mlflow = theirs.get(name);
  expect(mlflow).not.toHaveProperty('refused');
  expect(ours).toEqual(mlflow);
});

test.each(Object.entries(REFUSED))('%s: refused by both', async (name, one) => {
  expect(theirs.get(name)).toHaveProperty('refused');
  expect(await runOurs(name, one)).toHaveProperty('refused');
});

test.each(Object.entries(BEYOND))('%s: better than MLflow', async (name, [one, command]) => {
  const ours = await runOurs(name, one);
  expect(ours).toMatchObject({ command: command.replaceAll('[DIR]', folderOf(name)) });
  expect(theirs.get(name)).not.toEqual(ours);
});

test('the fixture of this repository is read alike', async () => {
  const directory = resolve('fixtures/churn');
  const script = `
import json, sys
from mlflow.projects._project_spec import load_project
points = load_project(sys.argv[1])._entry_points.values()
print(json.dumps([[p.name, p.command, [[q.name, q.default is None, str(q.default)] for q in p.parameters.values()]] for p in points]))`;
  const { entryPoints } = await loadProject(directory);
  const ours = entryPoints.map(({ name, command, parameters }) => [
    name,
    command,
    parameters.map((parameter) => [
      parameter.name,
      parameter.default === undefined,
      parameter.default ?? 'None',
    ]),
  ]);
  expect(ours).toEqual(await askPython(script, [directory]));
});
