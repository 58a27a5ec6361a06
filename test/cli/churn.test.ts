import { cp, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testCache } from '../setup/cache.ts';
import { askPython } from '../setup/mlflow.ts';
import { createRig, type Ended, type Rig } from './rig.ts';

/**
 * The README's first command on the project that it names: a real environment from the package index,
 * scikit-learn's training, real MLflow in the child, read back by real MLflow. The environment is
 * kept in the test cache; tests of environments make theirs anew.
 */
let rig: Rig;
let trained: Ended;
const env = { MLFLOW_ENV_ROOT: join(testCache, 'environments') };

beforeAll(async () => {
  rig = createRig();
  await cp(resolve(import.meta.dirname, '../../fixtures/churn'), rig.path('churn'), {
    recursive: true,
  });
  trained = await rig.mlts(['run', 'churn', '-P', 'n_estimators=200'], { env });
});
afterAll(() => rig[Symbol.asyncDispose]());

interface Trained {
  readonly status: string;
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly models: number;
  readonly prediction: number[];
}

const READ_BACK = `
import json, mlflow, pandas as pd
client = mlflow.MlflowClient()
[run] = client.search_runs(["0"], order_by=["attributes.start_time ASC"], max_results=1)
models = client.search_logged_models(["0"])
print(json.dumps({"status": run.info.status, "params": run.data.params, "metrics": run.data.metrics,
  "tags": run.data.tags, "models": len([m for m in models if m.source_run_id == run.info.run_id])}))
`;

test('trains, tracks and tells', async () => {
  expect(trained.stderr.split('\n').slice(-25).join('\n')).toContain('FINISHED');
  expect(trained.exitCode).toBe(0);
  expect(trained.stdout).toMatch(/accuracy 0\.\d+/);
  expect(trained.stderr).toMatch(/^ +accuracy +0\.\d+$/m);
  expect(trained.stderr).toContain(
    'mlts run churn -e evaluate -P model_path=<string> -P test_data=<string>',
  );
});

test("Python's MLflow reads the run, its params, metrics and model", async () => {
  const run = await askPython<Trained>(READ_BACK, [], {
    cwd: rig.directory,
    env: { MLFLOW_TRACKING_URI: `sqlite:///${rig.path('mlflow.db')}` },
  });
  expect(run.status).toBe('FINISHED');
  expect(run.params).toMatchObject({
    n_estimators: '200',
    max_depth: '5',
    learning_rate: '0.1',
    data_path: 'data/train.csv',
    random_state: '42',
  });
  expect(run.metrics.accuracy).toBeGreaterThan(0.6);
  expect(run.models).toBe(1);
  expect(run.tags['mlflow.project.env']).toBe('virtualenv');
});

test('evaluates the model that was trained', async () => {
  const args = [
    'run',
    'churn',
    '-e',
    'evaluate',
    '-P',
    'model_path=models/model.pkl',
    '-P',
    'test_data=data/test.csv',
  ];
  const ended = await rig.mlts(args, { env });
  expect(ended.exitCode).toBe(0);
  expect(ended.stderr).toMatch(/^ +accuracy +0\.\d+$/m);
});

test('searches hyperparameters in nested runs', async () => {
  const ended = await rig.mlts(
    ['run', 'churn', '-e', 'hyperparameter_search', '-P', 'n_trials=3'],
    { env },
  );
  expect(ended.exitCode).toBe(0);
  const children = await askPython<number>(
    `import json, mlflow
runs = mlflow.MlflowClient().search_runs(["0"])
print(json.dumps(len([r for r in runs if "mlflow.parentRunId" in r.data.tags])))`,
    [],
    { cwd: rig.directory, env: { MLFLOW_TRACKING_URI: `sqlite:///${rig.path('mlflow.db')}` } },
  );
  expect(children).toBe(3);
});

test('its defaults are those of the guide', async () => {
  const { stdout } = await rig.mlts(['project', 'validate', 'churn', '-o', 'json']);
  const { entryPoints } = JSON.parse(stdout) as {
    entryPoints: { name: string; parameters: { name: string; default: string | null }[] }[];
  };
  const defaults = entryPoints.map(({ name, parameters }) => [
    name,
    Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.default])),
  ]);
  expect(Object.fromEntries(defaults)).toEqual({
    main: {
      data_path: 'data/train.csv',
      n_estimators: '100',
      max_depth: '5',
      learning_rate: '0.1',
    },
    evaluate: { model_path: null, test_data: null },
    hyperparameter_search: { n_trials: '50' },
  });
  expect(await readFile(rig.path('churn/conda.yaml'), 'utf8')).toContain('conda-forge');
});
