import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureModels } from '../setup/models.ts';
import { createRig, type Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = createRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

test('a model of MLflow, for people', async () => {
  const folder = join(await ensureModels(), 'custom');
  const { stdout, exitCode } = await rig.mlts(['models', 'describe', folder]);
  expect(exitCode).toBe(0);
  const text = stdout
    .replaceAll(folder, '[FOLDER]')
    .replace(/created .*/, 'created  [TIME]')
    .replace(/Python .*/, 'Python   [VERSION]')
    .replace(/\d+(\.\d+)? k?B/g, '[SIZE]')
    .replace(/ +\[SIZE\]/g, ' [SIZE]');
  expect(text).toMatchInlineSnapshot(`
    "model    [FOLDER]
    folder   [FOLDER]
    created  [TIME]
    MLflow   3.17.2
    Python   [VERSION]
    flavors  python_function
    size [SIZE] in 5 files

    inputs
    name    type    required
    order   string  yes
    weight  double  no

    params
    name         type    default
    temperature  double  0.5

    requirements
    mlflow

    files             size
    MLmodel [SIZE]
    conda.yaml [SIZE]
    python_env.yaml [SIZE]
    python_model.pkl [SIZE]
    requirements.txt [SIZE]
    "
  `);
});

test('-o json of a registered version says which one it is', async () => {
  const folder = join(await ensureModels(), 'numbers');
  for (const args of [
    ['registered-models', 'create', 'churn'],
    ['model-versions', 'create', 'churn', '--source', folder],
    ['registered-models', 'set-alias', 'churn', 'best', '1'],
  ]) {
    expect(await rig.mlts(args)).toMatchObject({ exitCode: 0 });
  }
  const { stdout } = await rig.mlts(['models', 'describe', 'models:/churn@best', '-o', 'json']);
  const shown = JSON.parse(stdout);
  expect(shown).toMatchObject({
    model_uri: 'models:/churn@best',
    folder,
    registered_model: { name: 'churn', version: '1' },
    mlflow_version: '3.17.2',
    flavors: { sklearn: { serialization_format: 'cloudpickle' } },
    params: [],
    requirements: ['mlflow', 'scikit-learn'],
    input_example: { artifact_path: 'input_example.json' },
    metadata: null,
  });
  expect(shown.inputs[0]).toEqual({ name: 'f0', type: 'double', required: true });
  expect(shown.outputs).toEqual([{ name: null, type: 'tensor bool (?)', required: true }]);
  expect(shown.files.map(({ path }: { path: string }) => path)).toContain('model.pkl');
});

test('a model that says little', async () => {
  await rig.write({ 'm/MLmodel': 'flavors: {spark: {}}\n' });
  const { stdout } = await rig.mlts(['models', 'describe', 'm']);
  expect(stdout).toContain('flavors    spark\n');
  expect(stdout).toContain('signature  none\n');
});
