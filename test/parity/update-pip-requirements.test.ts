import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { askPython } from '../setup/mlflow.ts';
import { ensureModels } from '../setup/models.ts';

/** Does to copies of a model what the cases say, one after the other; gives back what is in their files. */
const ASK = `
import json, pathlib, sys
from mlflow.models import update_model_requirements
def update(folder, steps):
    for operation, requirements in steps:
        update_model_requirements(folder, operation, requirements)
    return [pathlib.Path(folder, name).read_text() for name in ["conda.yaml", "requirements.txt", "python_env.yaml"]]
print(json.dumps([update(*case) for case in json.loads(sys.argv[1])]))
`;

type Step = readonly ['add' | 'remove', readonly string[]];
const CASES: readonly (readonly Step[])[] = [
  [['add', ['six']]],
  [['add', ['Numpy >= 1.2, <2', 'mlflow==3.17.2', "tomli; python_version<'3.11'"]]],
  [['add', ['pandas[excel,aws]>=2', 'pkg @ https://example.com/a-rather-long-path/x.whl']]],
  [
    ['add', ['six==1.16.0', 'tomli']],
    ['add', ['six', 'scikit-learn<2']],
    ['remove', ['tomli==9', 'not-there']],
  ],
  [['remove', ['mlflow', 'scikit-learn']]],
  [['add', ['six', 'six[a]', 'six[b]']]],
];

let rig: Rig;
beforeEach(() => {
  rig = createRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const readFiles = (folder: string) =>
  Promise.all(
    ['conda.yaml', 'requirements.txt', 'python_env.yaml'].map((name) =>
      readFile(join(folder, name), 'utf8'),
    ),
  );

test('the files of a model become those that MLflow makes of them', async () => {
  const source = join(await ensureModels(), 'numbers');
  const asked = CASES.map((steps, index) => [rig.path(`theirs ${index}`), steps]);
  const ours: string[][] = [];
  for (const [index, steps] of CASES.entries()) {
    await cp(source, rig.path(`theirs ${index}`), { recursive: true });
    await cp(source, rig.path(`ours ${index}`), { recursive: true });
    for (const [operation, requirements] of steps) {
      const model = ['-m', rig.path(`ours ${index}`)];
      const args = ['models', 'update-pip-requirements', ...model, operation, ...requirements];
      expect(await rig.mlts(args)).toMatchObject({ exitCode: 0, stdout: '' });
    }
    ours.push(await readFiles(rig.path(`ours ${index}`)));
  }
  expect(ours).toEqual(await askPython(ASK, [JSON.stringify(asked)]));
});

describe('where MLflow gives up or does harm', () => {
  const update = (...args: readonly string[]) =>
    rig.mlts(['models', 'update-pip-requirements', '-m', 'model', ...args]);

  beforeEach(() =>
    rig.write({
      'model/MLmodel': 'flavors: {}\n',
      'model/conda.yaml':
        '# by hand\nname: mine\ndependencies:\n- python=3.11\n- pip:\n  - -r more.txt\n  - Foo_Bar==1 # old\n',
      'model/requirements.txt': '-r more.txt\nFoo_Bar==1\n',
    }),
  );

  test('options, comments, and names that are spelt in another way', async () => {
    expect(await update('add', 'foo-bar>=2', 'x @ https://Example.com/X.whl')).toMatchObject({
      exitCode: 0,
    });
    expect(await readFile(rig.path('model/requirements.txt'), 'utf8')).toBe(
      '-r more.txt\nfoo-bar>=2\nx @ https://Example.com/X.whl',
    );
    expect(await readFile(rig.path('model/conda.yaml'), 'utf8')).toBe(
      '# by hand\nname: mine\ndependencies:\n- python=3.11\n- pip:\n  - -r more.txt\n  - foo-bar>=2\n  - x @ https://Example.com/X.whl\n',
    );
  });

  test('what is no requirement is told, all of it, and nothing is written', async () => {
    const ended = await update('add', 'numpy=1', 'six', 'pandas 2');
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ended.stderr).toContain('`numpy=1` is no requirement');
    expect(ended.stderr).toContain('`pandas 2` is no requirement');
    expect(await readFile(rig.path('model/requirements.txt'), 'utf8')).toBe(
      '-r more.txt\nFoo_Bar==1\n',
    );
  });

  test('what is not there to be removed is named', async () => {
    const ended = await update('remove', 'six', 'FOO.bar');
    expect(ended.stderr).toContain('`six` is not among the requirements');
    expect(await readFile(rig.path('model/requirements.txt'), 'utf8')).toBe('-r more.txt');
  });

  test.each([
    [['add'], 'there is no requirement to add'],
    [['change', 'six'], 'Allowed choices are add, remove.'],
  ])('%j is refused', async (args, message) => {
    const ended = await update(...args);
    expect(ended.exitCode).not.toBe(0);
    expect(ended.stderr).toContain(message);
  });

  test('a file that is missing, and a damaged one', async () => {
    await rig.write({ 'bare/MLmodel': 'flavors: {}\n' });
    const args = ['models', 'update-pip-requirements', '-m', 'bare', 'add', 'six'];
    expect((await rig.mlts(args)).stderr).toMatch(/conda\.yaml/);
    await rig.write({ 'model/conda.yaml': 'dependencies: {}\n' });
    expect((await update('add', 'six')).stderr).toContain('no list of `dependencies`');
    expect(await readFile(rig.path('model/requirements.txt'), 'utf8')).toContain('Foo_Bar==1');
  });
});
