import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rewriteModelFiles } from '../../src/artifacts/rewrite.ts';
import { createRig, type Rig } from '../cli/rig.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython } from '../setup/mlflow.ts';
import { ensureModels } from '../setup/models.ts';
import { startS3Server } from '../setup/s3.ts';

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

/** Logs a model in a run and registers it; gives back its id and the run's. */
const LOG = `
import json, sys, warnings
warnings.filterwarnings("ignore")
import mlflow
class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input
mlflow.set_tracking_uri("sqlite:///" + sys.argv[1])
with mlflow.start_run() as run:
    info = mlflow.pyfunc.log_model(name="model", python_model=Echo(), pip_requirements=["mlflow"], registered_model_name="churn")
print(json.dumps([info.model_id, run.info.run_id]))
`;

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

describe('elsewhere', () => {
  test('a model in S3 is changed where it lies', async () => {
    const server = await startS3Server();
    try {
      await server.createBucket('lake');
      await server.put('lake', 'm/MLmodel', 'flavors: {}\n');
      await server.put('lake', 'm/conda.yaml', 'dependencies:\n- pip:\n  - six\n');
      await server.put('lake', 'm/requirements.txt', 'six');
      const update = (...args: readonly string[]) =>
        rig.mlts(['models', 'update-pip-requirements', '-m', 's3://lake/m', ...args], {
          env: server.env,
        });
      const read = async (name: string) => String((await server.get('lake', `m/${name}`)).content);
      expect(await update('add', 'tomli==2.0.1')).toMatchObject({ exitCode: 0 });
      expect(await read('requirements.txt')).toBe('six\ntomli==2.0.1');
      expect(await read('conda.yaml')).toBe('dependencies:\n- pip:\n  - six\n  - tomli==2.0.1\n');
      // Of several at once none is lost.
      const names = ['a', 'b', 'c'];
      await Promise.all(names.map((name) => update('add', name)));
      const lines = (await read('requirements.txt')).split('\n');
      expect(lines.sort()).toEqual(['a', 'b', 'c', 'six', 'tomli==2.0.1']);
    } finally {
      await server.stop();
    }
  }, 120_000);

  test('a model of a run, by its id and by its name; a registered version is read-only', async () => {
    const [modelId, runId] = await askPython<[string, string]>(LOG, [rig.path('mlflow.db')], {
      cwd: rig.directory,
    });
    const env = { MLFLOW_TRACKING_URI: `sqlite:///${rig.path('mlflow.db')}` };
    const update = (uri: string, ...args: readonly string[]) =>
      rig.mlts(['models', 'update-pip-requirements', '-m', uri, ...args], { env });
    expect(await update(`models:/${modelId}`, 'add', 'six')).toMatchObject({ exitCode: 0 });
    expect(await update(`runs:/${runId}/model`, 'add', 'tomli')).toMatchObject({ exitCode: 0 });
    const { stdout } = await rig.mlts(['models', 'describe', 'models:/churn/1', '-o', 'json'], {
      env,
    });
    expect(JSON.parse(stdout).requirements).toEqual(['mlflow', 'six', 'tomli']);
    const refused = await update('models:/churn/1', 'add', 'six');
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toContain('models:/churn/1 is a registered version');
  }, 120_000);

  test('where one file cannot be written the other is put back', async () => {
    const conda = 'dependencies:\n- pip:\n  - six\n';
    await rig.write({ 'm/conda.yaml': conda, 'm/requirements.txt': 'six' });
    const change = () =>
      rewriteModelFiles(
        rig.path('m'),
        ['conda.yaml', 'requirements.txt'],
        async () => ({ 'conda.yaml': 'changed', 'requirements.txt/below': 'cannot be' }),
        { context: createTestContext({ env: rig.env, cwd: rig.directory }), resolver: undefined },
      );
    await expect(change()).rejects.toThrow();
    expect(await readFile(rig.path('m/conda.yaml'), 'utf8')).toBe(conda);
  });
});
