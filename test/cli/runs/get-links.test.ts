import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTrackingStore } from '../../../src/tracking/open.ts';
import { createTestContext } from '../../setup/context.ts';
import { createRig, type Rig } from '../rig.ts';

let rig: Rig;
let ids: readonly [run: string, used: string, made: string];

beforeAll(async () => {
  rig = createRig();
  const context = createTestContext({ cwd: rig.directory, env: {} });
  const store = await openTrackingStore(`sqlite:///${rig.path('mlflow.db')}`, context);
  const run = { experimentId: '0', userId: 'ann', startTimeMs: 1_000, tags: [] };
  const { info } = await store.createRun(run);
  const used = await store.loggedModels.create({ experimentId: '0', name: 'base' });
  const made = await store.loggedModels.create({ experimentId: '0', name: 'churn' });
  await store.loggedModels.finalize(made.id, 'READY');
  await store.loggedModels.delete(used.id);
  const dataset = { name: 'train', digest: 'abc', sourceType: 'local', source: '{}' };
  const tags = [{ key: 'mlflow.data.context', value: 'training' }];
  const rest = { schema: undefined, profile: undefined };
  const datasetInputs = [{ dataset: { ...dataset, ...rest }, tags }];
  await store.logInputs(info.id, { datasetInputs, modelInputs: [used.id] });
  await store.logOutputs(info.id, [{ modelId: made.id, step: 3 }]);
  await store.close();
  ids = [info.id, used.id, made.id];
});
afterAll(() => rig[Symbol.asyncDispose]());

test('datasets and models are shown', async () => {
  const [run, used, made] = ids;
  const { stdout } = await rig.mlts(['runs', 'get', run]);
  expect(stdout).toMatch(/\ndatasets\n {2}train {2}abc {2}training\n/);
  expect(stdout).toContain(`\nmodels used\n  ${used}\n`);
  expect(stdout).toContain(`\nmodels made\n  ${made}  churn  READY\n`);
});

test('in JSON as the REST API has them', async () => {
  const [run, used, made] = ids;
  const { stdout } = await rig.mlts(['runs', 'get', run, '-o', 'json']);
  expect(JSON.parse(stdout)).toMatchObject({
    inputs: {
      dataset_inputs: [{ dataset: { name: 'train', source_type: 'local' } }],
      model_inputs: [{ model_id: used }],
    },
    outputs: { model_outputs: [{ model_id: made, step: 3 }] },
  });
});
