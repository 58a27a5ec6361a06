import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InvalidInputs, MltsError } from '../../src/core/errors.ts';
import { describeProject } from '../../src/projects/description.ts';
import { listEntryPointProblems, loadProject } from '../../src/projects/load-project.ts';
import { makeFolder } from './project-folder.ts';

const CHURN = `name: churn
conda_env: conda.yaml
entry_points:
  main:
    parameters:
      data: {type: path, default: "data/train.csv"}
      alpha: float
      ratio: {type: float, default: 1.50}
      shuffle: {type: bool, default: yes}
      note: {type: str, default: null}
    command: "python train.py {data} {alpha} {ratio} {shuffle} {note}"
  evaluate:
    command: |
      python evaluate.py
`;

/** Problems of the MLproject file and warnings, each with its hint. */
async function judge(
  mlproject: string | Uint8Array,
  others: Record<string, string> = {},
): Promise<{ problems: string[]; hints: (string | undefined)[]; warnings: readonly string[] }> {
  const directory = await makeFolder({ MLproject: mlproject, ...others });
  const shorten = (text: string | undefined) => text?.replaceAll(directory, '[DIR]');
  try {
    const project = await loadProject(directory);
    const problems = listEntryPointProblems(project);
    return {
      problems: problems.map(({ message }) => message),
      hints: problems.map(({ hint }) => hint),
      warnings: project.warnings,
    };
  } catch (error) {
    if (!(error instanceof MltsError)) throw error;
    const problems = error instanceof InvalidInputs ? error.problems : [error];
    return {
      problems: problems.map(({ message }) => shorten(message) ?? ''),
      hints: problems.map(({ hint }) => shorten(hint)),
      warnings: [],
    };
  }
}

test('a whole project is read', async () => {
  const directory = await makeFolder({ MLproject: CHURN, 'conda.yaml': 'name: x\n' });
  const project = await loadProject(directory);
  expect(describeProject(project)).toEqual({
    name: 'churn',
    directory,
    file: 'MLproject',
    environment: { kind: 'conda_env', from: join(directory, 'conda.yaml') },
    entryPoints: [
      {
        name: 'main',
        command: 'python train.py {data} {alpha} {ratio} {shuffle} {note}',
        line: 4,
        parameters: [
          { name: 'data', type: 'path', default: 'data/train.csv', required: false, line: 6 },
          { name: 'alpha', type: 'float', default: null, required: true, line: 7 },
          { name: 'ratio', type: 'float', default: '1.5', required: false, line: 8 },
          { name: 'shuffle', type: 'bool', default: 'True', required: false, line: 9 },
          { name: 'note', type: 'string', default: null, required: true, line: 10 },
        ],
      },
      { name: 'evaluate', command: 'python evaluate.py\n', line: 12, parameters: [] },
    ],
  });
  expect(project.warnings).toEqual([]);
});

test.each(['MLproject', 'mlproject', 'MLPROJECT', 'MlProject'])('%s is found', async (name) => {
  const directory = await makeFolder({ [name]: CHURN, 'conda.yaml': '' });
  expect(await loadProject(directory)).toMatchObject({ name: 'churn', file: name });
});

test('of several MLproject files the usual name is taken, and said so', async () => {
  const directory = await makeFolder({ MLPROJECT: 'name: a\n', MLproject: 'name: b\n' });
  const { name, warnings } = await loadProject(directory);
  expect({ name, warnings }).toEqual({
    name: 'b',
    warnings: ['`MLPROJECT` is ignored, the project is read from `MLproject` (MLproject)'],
  });
});

test('a folder called mlproject is no MLproject file', async () => {
  const directory = await makeFolder({ 'mlproject/x': '' });
  expect(await loadProject(directory)).toMatchObject({ file: undefined, entryPoints: [] });
});

test.each([
  [{}, 'none', undefined],
  [{ 'conda.yaml': '' }, 'conda_env', 'conda.yaml'],
  [{ 'conda.yaml': '', 'python_env.yaml': '' }, 'python_env', 'python_env.yaml'],
  [{ 'conda.yaml': '', MLproject: 'name: x\n' }, 'conda_env', 'conda.yaml'],
  [
    { 'my.yaml': '', 'conda.yaml': '', MLproject: 'python_env: my.yaml\n' },
    'python_env',
    'my.yaml',
  ],
  [{ 'env/c.yaml': '', MLproject: 'conda_env: env/c.yaml\n' }, 'conda_env', 'env/c.yaml'],
  [{ 'conda.yaml': '', MLproject: 'python_env:\n' }, 'conda_env', 'conda.yaml'],
] as const)('the environment of %j is %s from %s', async (files, kind, file) => {
  const directory = await makeFolder(files as unknown as Record<string, string>);
  const { environment } = await loadProject(directory);
  expect(environment).toEqual({
    directory,
    kind,
    file: file === undefined ? undefined : join(directory, file),
  });
});

test('an environment file may lie outside of the project', async () => {
  const outside = await makeFolder({
    'shared.yaml': '',
    'project/MLproject': 'conda_env: ../shared.yaml\n',
  });
  const { environment } = await loadProject(join(outside, 'project'));
  expect(environment.file).toBe(join(outside, 'shared.yaml'));
});

test('a Docker environment is read, whatever stands in its variables as text', async () => {
  const directory = await makeFolder({
    MLproject: `docker_env:
  image: ghcr.io/a/b:1.0
  volumes: ["/a:/b", "$PWD/c:/c:ro"]
  environment: [["A", "b c"], [N, 1.50], [FLAG, yes], HOME]
`,
    'conda.yaml': '',
  });
  expect((await loadProject(directory)).docker).toEqual({
    image: 'ghcr.io/a/b:1.0',
    volumes: ['/a:/b', '$PWD/c:/c:ro'],
    environment: [['A', 'b c'], ['N', '1.5'], ['FLAG', 'True'], 'HOME'],
  });
});

/** [MLproject, its problems]. */
const PROBLEMS: readonly [mlproject: string, problems: string[]][] = [
  ['', ['the file is empty (MLproject)']],
  ['# nothing\n', ['the file is empty (MLproject)']],
  ['---\n', ['the file is empty (MLproject:1)']],
  ['just words', ['the file holds text where fields (`name: value`) are expected (MLproject:1)']],
  ['- a\n- b\n', ['the file holds a list where fields (`name: value`) are expected (MLproject:1)']],
  ['name: [a]\n', ['`name` must be text, not a list (MLproject:1)']],
  ['name: a\n\nname: b\n', ['`name` is given twice, first on line 1 (MLproject:3)']],
  [
    'entry_points:\n\tmain:\n',
    ['not valid YAML: Tabs are not allowed as indentation (MLproject:2)'],
  ],
  ['name: a\n\x07\n', ['the control character \\x07 cannot stand in YAML (MLproject:2)']],
  ['entry_points: [main]\n', ['`entry_points` must be a mapping, not a list (MLproject:1)']],
  ['entry_points: {main: }\n', ['entry point `main` must be a mapping, not nothing (MLproject:1)']],
  [
    'entry_points:\n  main: python train.py\n',
    ['entry point `main` must be a mapping, not text (MLproject:2)'],
  ],
  ['entry_points:\n  main: {}\n', ['entry point `main` has no `command` (MLproject:2)']],
  [
    'entry_points:\n  main:\n    command: [python, x]\n',
    ['`command` of `main` must be text, not a list (MLproject:3)'],
  ],
  [
    "entry_points:\n  main:\n    command: ''\n",
    ['`command` of `main` must be text, not empty (MLproject:3)'],
  ],
  [
    'entry_points:\n  no:\n    command: x\n  1: {command: x}\n',
    [
      'in `entry_points`, YAML reads a name as a boolean, `False` (MLproject:2)',
      'in `entry_points`, YAML reads a name as a number, `1` (MLproject:4)',
    ],
  ],
  [
    'entry_points:\n  main:\n    parameters:\n      - alpha\n    command: x\n',
    ['`parameters` of `main` must be a mapping, not a list (MLproject:3)'],
  ],
  [
    "entry_points:\n  main:\n    parameters:\n      on: int\n      a:\n      b: 0.5\n      '': int\n    command: x\n",
    [
      'in `parameters` of `main`, YAML reads a name as a boolean, `True` (MLproject:4)',
      'in `parameters` of `main`, a name is empty (MLproject:7)',
      'parameter `a` of `main` must have a type, not nothing (MLproject:5)',
      'parameter `b` of `main` must have a type, not a number (MLproject:6)',
    ],
  ],
  [
    'entry_points:\n  main:\n    parameters: {alpha: float}\n    command: "x {alhpa} {"\n',
    [
      'the command of `main` cannot be filled in: `{alhpa}` is no parameter, at character 3 (MLproject:4)',
    ],
  ],
  [
    'conda_env: c.yaml\npython_env: p.yaml\n',
    [
      '`python_env` and `conda_env` are given, but a project has one environment (MLproject:2)',
      '`python_env` names `p.yaml`, which does not exist (MLproject:2)',
      '`conda_env` names `c.yaml`, which does not exist (MLproject:1)',
    ],
  ],
  ['conda_env: .\n', ['`conda_env` names `.`, which is a folder (MLproject:1)']],
  [
    'conda_env: {name: x}\n',
    ['`conda_env` must be the name of a file, not a mapping (MLproject:1)'],
  ],
  ['docker_env: python:3.11\n', ['`docker_env` must be a mapping, not text (MLproject:1)']],
  [
    'docker_env:\n  volumes: /a:/b\n  environment:\n    A: b\n',
    [
      '`docker_env` has no `image` (MLproject:1)',
      '`volumes` of `docker_env` must be a list, not text (MLproject:2)',
      '`environment` of `docker_env` must be a list, not a mapping (MLproject:3)',
    ],
  ],
  [
    'docker_env:\n  image: 3\n  volumes: [[/a]]\n  environment: [A=b, [A], [A, b, c], 5]\n',
    [
      '`image` of `docker_env` must be text (MLproject:2)',
      'a volume must be text, not a list (MLproject:3)',
      ...Array(4).fill('an item of `environment` is neither a name nor a pair (MLproject:4)'),
    ],
  ],
  [
    'databricks_spark_job: {python_file: x.py}\n',
    ['`databricks_spark_job` describes a job that only Databricks can run (MLproject:1)'],
  ],
];

test.each(PROBLEMS)('%j has its problems', async (mlproject, problems) => {
  expect((await judge(mlproject)).problems).toEqual(problems);
});

test('all problems are told at once, each with its mend', async () => {
  const { problems, hints } = await judge(`name: {}
conda_env: absent.yaml
entry_points:
  main:
    parameters:
      alpha: 0.5
    command: python train.py {alpha}
  evaluate:
    command: python evaluate.py {model}
  export:
    parameters: {format: str}
`);
  expect(problems.map((problem, position) => `${problem}\n  ${hints[position]}`)).toEqual([
    '`name` must be text, not a mapping (MLproject:1)\n  undefined',
    '`conda_env` names `absent.yaml`, which does not exist (MLproject:2)\n  the name is relative to [DIR]',
    'parameter `alpha` of `main` must have a type, not a number (MLproject:6)\n  write `alpha: {type: float, default: 0.5}`',
    'the command of `main` cannot be filled in: `{alpha}` is no parameter, at character 17 (MLproject:7)\n  declare it under `parameters`, or write `{{alpha}}` for braces that the shell is to see',
    'the command of `evaluate` cannot be filled in: `{model}` is no parameter, at character 20 (MLproject:9)\n  declare it under `parameters`, or write `{{model}}` for braces that the shell is to see',
    'entry point `export` has no `command` (MLproject:10)\n  write `command: python train.py`',
  ]);
});

test('what MLflow ignores is a warning', async () => {
  const { problems, warnings } = await judge(`nmae: churn
author: me
entry_points:
  main:
    params: {a: int}
    parameters:
      alpha: {type: number, defualt: 1}
      beta: {type: float, default: fast}
      gamma: complex
      delta: {type: Float}
    command: x
docker_env: {image: x, network: host}
`);
  expect(problems).toEqual([]);
  expect(warnings).toEqual([
    '`nmae` is no field of an MLproject file and is ignored; did you mean `name`? (MLproject:1)',
    '`author` is no field of an MLproject file and is ignored; known are `name`, `entry_points`, `docker_env`, `python_env`, `conda_env` and `databricks_spark_job` (MLproject:2)',
    '`network` is no field of `docker_env` and is ignored; known are `image`, `volumes` and `environment` (MLproject:12)',
    '`params` is no field of entry point `main` and is ignored; did you mean `parameters`? (MLproject:5)',
    '`defualt` is no field of parameter `alpha` of `main` and is ignored; did you mean `default`? (MLproject:7)',
    '`number` is no type, parameter `alpha` of `main` is taken as text; did you mean `float`? (MLproject:7)',
    'the default `fast` of parameter `beta` of `main` is not a float (MLproject:8)',
    '`complex` is no type, parameter `gamma` of `main` is taken as text; known are `string`, `int`, `float`, `bool`, `path` and `uri` (MLproject:9)',
    '`Float` is no type, parameter `delta` of `main` is taken as text; did you mean `float`? (MLproject:10)',
  ]);
});

test('empty sections are empty', async () => {
  const directory = await makeFolder({ MLproject: 'entry_points:\n' });
  expect((await loadProject(directory)).entryPoints).toEqual([]);
  const { problems } = await judge('entry_points:\n  main:\n    parameters:\n    command: x\n');
  expect(problems).toEqual([]);
});

test.each([
  ['binary', Buffer.from([0x4d, 0x5a, 0, 0, 1]), '[DIR]/MLproject is a binary file, not text'],
  ['latin-1', Buffer.from('name: caf\xe9\n', 'latin1'), '[DIR]/MLproject is not UTF-8 text'],
  [
    'UTF-16',
    Buffer.from('\ufeffname: a\n', 'utf16le'),
    '[DIR]/MLproject is a binary file, not text',
  ],
  [
    'huge',
    Buffer.alloc(1_000_001, '#'),
    '[DIR]/MLproject is too large: 1000001 bytes, at most 1000000 are read',
  ],
])('a %s MLproject file is refused in one line', async (_kind, content, problem) => {
  expect((await judge(content)).problems).toEqual([problem]);
});

test('a byte order mark does no harm', async () => {
  expect(await judge('\ufeffname: a\n')).toMatchObject({ problems: [], warnings: [] });
});

test('a named pipe as MLproject file is refused, not waited for', async () => {
  const directory = await makeFolder({});
  execFileSync('mkfifo', [join(directory, 'MLproject')]);
  await expect(loadProject(directory)).rejects.toThrow('MLproject is not a regular file');
});

test('a folder that is none is said to be none', async () => {
  const directory = await makeFolder({ file: '' });
  await expect(loadProject(join(directory, 'absent'))).rejects.toThrow('absent does not exist');
  await expect(loadProject(join(directory, 'file'))).rejects.toThrow('file is not a folder');
  await mkdir(join(directory, 'empty'));
  expect(await loadProject(join(directory, 'empty'))).toMatchObject({ warnings: [] });
});
