import { cp, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testCache } from '../setup/cache.ts';
import { mlflowEnv } from '../setup/mlflow.ts';
import { createRig, type Ended, type Rig } from './rig.ts';

/**
 * A team's way from the first training to production, by mlts alone; what is in production is then loaded
 * by real Python, in the environment that mlts made for the project.
 */
let rig: Rig;
const env = { MLFLOW_ENV_ROOT: join(testCache, 'environments') };
const MODEL = 'ChurnPredictionModel';

beforeAll(async () => {
  rig = createRig();
  const fixture = resolve(import.meta.dirname, '../../fixtures/churn');
  await cp(fixture, rig.path('churn'), { recursive: true });
});
afterAll(() => rig[Symbol.asyncDispose]());

async function mlts(...args: readonly string[]): Promise<Ended> {
  const ended = await rig.mlts(args, { env });
  expect(ended, args.join(' ')).toMatchObject({ exitCode: 0 });
  return ended;
}

async function asJson<T>(...args: readonly string[]): Promise<T> {
  return JSON.parse((await mlts(...args, '--output', 'json')).stdout) as T;
}

interface TrainedRun {
  readonly info: { readonly run_id: string };
  readonly outputs: { readonly model_outputs: readonly { readonly model_id: string }[] };
}

/** Trains a model and returns its run and the address of the model that it logged. */
async function train(trees: number): Promise<{ readonly runId: string; readonly source: string }> {
  await mlts('run', 'churn', '-P', `n_estimators=${trees}`);
  const found = ['runs', 'search', '--experiment-id', '0', '--max-results', '1'];
  const [run] = await asJson<readonly TrainedRun[]>(...found);
  const runId = run?.info.run_id ?? '';
  const { outputs } = await asJson<TrainedRun>('runs', 'get', runId);
  return { runId, source: `models:/${outputs.model_outputs[0]?.model_id}` };
}

type Prediction = readonly [modelId: string, values: readonly number[]];

/** Which models are at these addresses, and what they say of the first rows of the test data. */
async function predict(...uris: readonly string[]): Promise<readonly Prediction[]> {
  const script = `
import json, sys, mlflow, pandas as pd
rows = pd.read_csv("churn/data/test.csv").drop(columns="target").astype("float64").head(20)
def predict(uri):
    model = mlflow.pyfunc.load_model(uri)
    return [model.metadata.model_id, [float(x) for x in model.predict(rows)]]
print()
print(json.dumps([predict(uri) for uri in sys.argv[1:]]))`;
  const [name = ''] = (await readdir(env.MLFLOW_ENV_ROOT)).filter((one) => /^mlflow-/.test(one));
  const python = join(env.MLFLOW_ENV_ROOT, name, 'bin/python');
  const { stdout } = await execa(python, ['-c', script, ...uris], {
    cwd: rig.directory,
    env: mlflowEnv({ MLFLOW_TRACKING_URI: `sqlite:///${rig.path('mlflow.db')}` }),
    extendEnv: false,
  });
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n', stdout.length - 2)));
}

test('from training to production', { timeout: 600_000 }, async () => {
  await mlts(
    'registered-models',
    'create',
    MODEL,
    '--description',
    'who leaves',
    '-t',
    'team=growth',
  );
  const versions = [await train(20), await train(60)];
  for (const [index, { runId, source }] of versions.entries()) {
    const args = ['model-versions', 'create', MODEL, '--source', source, '--run-id', runId];
    expect((await mlts(...args)).stdout).toBe(`${index + 1}\n`);
  }

  // The first version goes live.
  await mlts('model-versions', 'update', MODEL, '1', '--description', 'twenty trees');
  await mlts('model-versions', 'set-tag', MODEL, '1', 'validated', 'true');
  await mlts('models', 'promote', MODEL, '--version', '1', '--to', 'Production');

  // The second is staged, tested as it is in staging, and takes its place once it has passed.
  await mlts('model-versions', 'transition-stage', MODEL, '2', 'Staging');
  const staged = (await mlts('model-versions', 'download', MODEL, 'staging', '-d', 'staged'))
    .stdout;
  expect(staged).toBe(`${rig.path('staged')}\n`);
  const promotion = ['models', 'promote', MODEL, '--version', '2', '--to', 'Production'];
  const checked = [...promotion, '--archive-existing', '--require-tag', 'validated=true'];
  expect((await rig.mlts(checked, { env })).exitCode).toBe(3);
  await mlts('model-versions', 'set-tag', MODEL, '2', 'validated', 'true');
  await mlts(...checked);

  // Found by the pattern of its name, and by its stage.
  const models = [
    'registered-models',
    'search',
    '--filter',
    "name ILIKE 'churn%' AND tags.team = 'growth'",
  ];
  expect(await asJson(...models)).toMatchObject([
    {
      name: MODEL,
      description: 'who leaves',
      latest_versions: [
        { version: '1', current_stage: 'Archived', description: 'twenty trees' },
        { version: '2', current_stage: 'Production', run_id: versions[1]?.runId },
      ],
    },
  ]);
  const live = [
    'model-versions',
    'search',
    '--filter',
    `name = '${MODEL}'`,
    '--stage',
    'Production',
  ];
  expect(await asJson(...live)).toMatchObject([{ version: '2', source: versions[1]?.source }]);

  // Loaded by stage and by version, by its address and as what mlts has downloaded.
  const old = (await mlts('model-versions', 'download', MODEL, '1', '-d', 'old')).stdout.trim();
  await mlts('artifacts', 'download', '-u', `models:/${MODEL}/Production`, '-d', 'live');
  const [byStage, downloaded, tested, byVersion, oldOne] = await predict(
    `models:/${MODEL}/Production`,
    rig.path('live'),
    staged.trim(),
    `models:/${MODEL}/1`,
    old,
  );
  expect(byStage?.[0]).toBe(versions[1]?.source.replace('models:/', ''));
  expect(byVersion?.[0]).toBe(versions[0]?.source.replace('models:/', ''));
  expect(byStage?.[1]).toHaveLength(20);
  expect(downloaded).toEqual(byStage);
  expect(tested).toEqual(byStage);
  expect(oldOne).toEqual(byVersion);
});
