import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InvalidInputs, MltsError } from '../../src/core/errors.ts';
import { buildCommand } from '../../src/projects/command.ts';
import { findEntryPoint } from '../../src/projects/entry-point.ts';
import { loadProject } from '../../src/projects/load-project.ts';
import { makeFolder } from './project-folder.ts';

const MLPROJECT = `entry_points:
  main: {command: python train.py}
  evaluate: {command: python evaluate.py}
  broken: {command: "python {"}
  train.py: {command: echo declared}
`;
const SCRIPTS = {
  'a.py': '',
  'b c.py': '',
  'sub/d.sh': '',
  'e.R': '',
  "it's.R": '',
  'f{x}.py': '',
  'g.PY': '',
  'train.py': '',
};

async function commandOf(name: string, env = {}): Promise<string> {
  const project = await loadProject(await makeFolder({ MLproject: MLPROJECT, ...SCRIPTS }));
  return buildCommand(await findEntryPoint(project, name, env), new Map(), []);
}

test.each([
  ['main', 'python train.py'],
  ['train.py', 'echo declared'],
  ['a.py', 'python a.py'],
  ['b c.py', "python 'b c.py'"],
  ['f{x}.py', "python 'f{x}.py'"],
  ['sub/d.sh', 'bash sub/d.sh'],
  ['e.R', `Rscript -e "mlflow::mlflow_source('e.R')" --args`],
  ["it's.R", `Rscript -e 'mlflow::mlflow_source('"'"'it\\'"'"'s.R'"'"')' --args`],
])('%s runs %s', async (name, command) => {
  expect(await commandOf(name)).toBe(command);
});

test('a .sh script is run by the shell that the user has', async () => {
  expect(await commandOf('sub/d.sh', { SHELL: '/bin/zsh' })).toBe('/bin/zsh sub/d.sh');
  expect(await commandOf('sub/d.sh', { SHELL: '' })).toBe('bash sub/d.sh');
});

const NAMES = 'its entry points are `main`, `evaluate`, `broken` and `train.py`';
test.each([
  [
    'evalaute',
    'there is no entry point `evalaute` (MLproject), and its name is not that of a .py, .sh or .R script',
    `did you mean \`-e evaluate\`? ${NAMES}`,
  ],
  [
    'g.PY',
    'there is no entry point `g.PY` (MLproject), and its name is not that of a .py, .sh or .R script',
    NAMES,
  ],
  ['absent-script.py', '`absent-script.py` is neither an entry point nor a script in [DIR]', NAMES],
  [
    'sub',
    'there is no entry point `sub` (MLproject), and its name is not that of a .py, .sh or .R script',
    NAMES,
  ],
])('%s is not found', async (name, message, hint) => {
  const directory = await makeFolder({ MLproject: MLPROJECT, ...SCRIPTS });
  const project = await loadProject(directory);
  const error = await findEntryPoint(project, name, {}).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(MltsError);
  const { message: said, hint: mend } = error as MltsError;
  expect({ message: said.replace(directory, '[DIR]'), hint: mend }).toEqual({ message, hint });
});

test.each([
  [{}, 'the project has no MLproject file: name a script, as in `-e train.py`'],
  [
    { MLproject: 'name: x\n' },
    'MLproject declares no entry points: name a script, as in `-e train.py`',
  ],
] as [Record<string, string>, string][])('a project of %j has no main', async (files, hint) => {
  const project = await loadProject(await makeFolder(files));
  await expect(findEntryPoint(project, 'main', {})).rejects.toMatchObject({
    code: 'RESOURCE_DOES_NOT_EXIST',
    hint,
  });
});

test('a fault of one entry point keeps only that one from running', async () => {
  const project = await loadProject(await makeFolder({ MLproject: MLPROJECT }));
  await expect(findEntryPoint(project, 'main', {})).resolves.toMatchObject({ name: 'main' });
  await expect(findEntryPoint(project, 'broken', {})).rejects.toThrow(InvalidInputs);
  await expect(findEntryPoint(project, 'broken', {})).rejects.toThrow(
    'the command of `broken` cannot be filled in: a `{` is never closed, at character 8 (MLproject:4)',
  );
});

test('a script that is a folder is not one', async () => {
  const directory = await makeFolder({ 'folder.py/x': '' });
  const project = await loadProject(directory);
  await expect(findEntryPoint(project, 'folder.py', {})).rejects.toThrow(
    `\`folder.py\` is neither an entry point nor a script in ${join(directory)}`,
  );
});
