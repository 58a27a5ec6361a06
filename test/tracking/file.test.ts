import { access, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NotFound } from '../../src/core/errors.ts';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { testLoggedModels } from '../contracts/logged-models.ts';
import { testSearch } from '../contracts/search.ts';
import { testStoredNames } from '../contracts/stored-names.ts';
import { testTrackingStore } from '../contracts/tracking-store.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython } from '../setup/mlflow.ts';

const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'mlts-tracking-'));

const open = (cwd: string, uri = './mlruns') =>
  openTrackingStore(uri, createTestContext({ cwd, env: { MLTS_CACHE_DIR: join(cwd, 'cache') } }));

testTrackingStore('a folder', async () => open(await makeFolder()));
testSearch('a folder', async () => open(await makeFolder()));
testLoggedModels('a folder', async () => open(await makeFolder()));
testStoredNames('a folder', makeFolder, { kind: 'folder' });

const RUN = { experimentId: '0', userId: 'ann', startTimeMs: 1_700_000_000_000, tags: [] };

test('a default experiment that was left half made is made', async () => {
  const folder = await makeFolder();
  await mkdir(join(folder, 'mlruns', '0'), { recursive: true });
  const store = await open(folder);
  expect(await store.getExperiment('0')).toMatchObject({ name: 'Default' });
});

describe('with Python', () => {
  test('it reads what mlts wrote, and goes on with it', async () => {
    const folder = await makeFolder();
    const store = await open(folder, `file://${folder}/mlruns`);
    const experimentId = await store.createExperiment({
      name: 'no: "plain" text',
      tags: [{ key: 'k', value: 'v' }],
    });
    const { info } = await store.createRun({ ...RUN, experimentId, runName: 'yes' });
    await store.logBatch(info.id, {
      params: [{ key: 'a/b', value: ' x\ny' }],
      metrics: [
        { key: 'm', value: Number.NaN, step: 2, timestampMs: 5 },
        { key: 'up', value: Infinity, step: 0, timestampMs: 5 },
      ],
    });
    await store.updateRun(info.id, { status: 'FAILED', endTimeMs: 8 });
    const script = `
import json, sys
import mlflow
from mlflow import MlflowClient
assert mlflow.get_tracking_uri() == sys.argv[1], mlflow.get_tracking_uri()
client = MlflowClient()
run = client.get_run(sys.argv[2])
experiment = client.get_experiment(run.info.experiment_id)
client.log_metric(run.info.run_id, "m", 0.25, step=3, timestamp=7)
client.set_tag(run.info.run_id, "mlflow.runName", "on")
print(json.dumps({
  "name": run.info.run_name, "status": run.info.status, "artifacts": run.info.artifact_uri,
  "end": run.info.end_time, "params": run.data.params, "tags": run.data.tags,
  "metrics": {k: str(v) for k, v in run.data.metrics.items()},
  "experiment": [experiment.name, experiment.tags, client.get_experiment("0").name],
  "found": [r.info.run_id for r in client.search_runs([run.info.experiment_id])],
}))`;
    expect(await askPython(script, [store.uri, info.id], { cwd: folder })).toEqual({
      name: 'yes',
      status: 'FAILED',
      artifacts: `file://${folder}/mlruns/${experimentId}/${info.id}/artifacts`,
      end: 8,
      params: { 'a/b': ' x\ny' },
      tags: { 'mlflow.runName': 'yes' },
      metrics: { m: 'nan', up: 'inf' },
      experiment: ['no: "plain" text', { k: 'v' }, 'Default'],
      found: [info.id],
    });
    const after = await store.getRun(info.id);
    expect(after.info).toMatchObject({ name: 'on', status: 'FAILED', endTimeMs: 8 });
    expect(after.metrics).toContainEqual({ key: 'm', value: 0.25, step: 3, timestampMs: 7 });
  });

  test('mlts reads what Python wrote, and keeps what it does not know', async () => {
    const folder = await makeFolder();
    const script = `
import json, mlflow
mlflow.set_tracking_uri("mlruns")
mlflow.set_experiment("é: x")
with mlflow.start_run(run_name="123") as run:
    mlflow.log_params({"p/q": 1e-5})
    mlflow.log_metric("m", float("nan"), step=2)
    mlflow.log_metric("m", -0.5, step=1)
print(json.dumps([run.info.run_id, run.info.artifact_uri, run.info.experiment_id]))`;
    const [runId = '', artifactUri = '', experimentId = ''] = await askPython<string[]>(
      script,
      [],
      {
        cwd: folder,
      },
    );
    const meta = join(folder, 'mlruns', experimentId, runId, 'meta.yaml');
    await writeFile(meta, `${await readFile(meta, 'utf8')}future_key: kept\n`);
    const store = await open(folder);
    const run = await store.getRun(runId);
    expect(run.info).toMatchObject({ name: '123', status: 'FINISHED', artifactUri, experimentId });
    expect(run.params).toEqual([{ key: 'p/q', value: '1e-05' }]);
    expect(run.metrics).toMatchObject([{ key: 'm', value: Number.NaN, step: 2 }]);
    expect(await store.getExperimentByName('é: x')).toMatchObject({ id: experimentId });
    await store.updateRun(runId, { status: 'KILLED' });
    expect(await readFile(meta, 'utf8')).toMatch(/future_key: 'kept'/);
  });
});

describe('with Python', () => {
  test('names that other readers of YAML take for numbers and booleans are names', async () => {
    const folder = await makeFolder();
    const names = ['y', 'N', 'E1', '1e3', '12e5', '0o17', 'on', '1:30', '~', 'a: b', 'x # y'];
    const script = `
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
for name in json.loads(sys.argv[2]): client.create_experiment(name)
print(json.dumps([e.name for e in client.search_experiments()]))
`;
    const uri = `file://${folder}/mlruns`;
    const theirs = await askPython<readonly string[]>(script, [uri, JSON.stringify(names)]);
    const { items } = await (await open(folder)).searchExperiments({ view: 'all', maxResults: 50 });
    expect(items.map(({ name }) => name).sort()).toEqual(theirs.toSorted());
    expect(theirs).toEqual(expect.arrayContaining(names));
  });
});

describe('on the disk', () => {
  test('old layouts are read: numbers for ids, no stage, a metric without steps', async () => {
    const folder = await makeFolder();
    const run = join(folder, 'mlruns', '7', 'a'.repeat(32));
    for (const part of ['metrics', 'params', 'artifacts', 'tags']) {
      await mkdir(join(run, part), { recursive: true });
    }
    await writeFile(
      join(folder, 'mlruns', '7', 'meta.yaml'),
      'experiment_id: 7\nname: old\nartifact_location: /a\n',
    );
    await writeFile(
      join(run, 'meta.yaml'),
      `experiment_id: 7\nrun_uuid: ${'a'.repeat(32)}\nname: ''\nstatus: 3\nstart_time: 5\nuser_id: bob\nartifact_uri: /a/b\n`,
    );
    await writeFile(join(run, 'metrics', 'm'), '10 0.5\n12 0.25\n');
    await writeFile(join(run, 'tags', 'mlflow.runName'), 'from tag');
    const store = await open(folder);
    expect(await store.getRun('a'.repeat(32))).toMatchObject({
      info: { name: 'from tag', experimentId: '7', status: 'FINISHED', lifecycleStage: 'active' },
      metrics: [{ key: 'm', value: 0.25, timestampMs: 12, step: 0 }],
    });
  });

  test('a run that an artifact pretends to be is none', async () => {
    const folder = await makeFolder();
    const store = await open(folder);
    const { info } = await store.createRun(RUN);
    const fake = join(folder, 'mlruns', '0', 'b'.repeat(32));
    await mkdir(join(fake, 'metrics'), { recursive: true });
    await writeFile(join(fake, 'meta.yaml'), `run_id: ${info.id}\nexperiment_id: '0'\n`);
    await expect(store.getRun('b'.repeat(32))).rejects.toThrow(NotFound);
  });

  test('nothing is left of the writing, and nothing lies outside the store', async () => {
    const folder = await makeFolder();
    const store = await open(folder);
    const { info } = await store.createRun(RUN);
    await store.logBatch(info.id, { params: [{ key: 'a', value: '1' }] });
    const run = join(folder, 'mlruns', '0', info.id);
    expect((await readdir(run)).sort()).toEqual([
      'artifacts',
      'meta.yaml',
      'metrics',
      'params',
      'tags',
    ]);
    expect(await readdir(join(run, 'params'))).toEqual(['a']);
    expect((await readdir(folder)).sort()).toEqual(['cache', 'mlruns']);
  });

  test('ten that make an experiment of one name at once make one', async () => {
    const folder = await makeFolder();
    const stores = await Promise.all(Array.from({ length: 10 }, () => open(folder)));
    const results = await Promise.allSettled(
      stores.map((store) => store.createExperiment({ name: 'wanted' })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await readdir(join(folder, 'mlruns'))).sort()).toHaveLength(3);
  });

  test('a damaged meta.yaml is named', async () => {
    const folder = await makeFolder();
    const store = await open(folder);
    const { info } = await store.createRun(RUN);
    const meta = join(folder, 'mlruns', '0', info.id, 'meta.yaml');
    await writeFile(meta, '- no\n- mapping\n');
    await expect(store.getRun(info.id)).rejects.toThrow(`${meta} is damaged`);
  });

  test('an experiment that is not the one of its folder gets no runs', async () => {
    const folder = await makeFolder();
    const meta = join(folder, 'mlruns', '0', 'meta.yaml');
    await mkdir(join(folder, 'mlruns', '0'), { recursive: true });
    await writeFile(meta, 'artifact_location: /a\n');
    const store = await open(folder);
    await expect(store.createRun(RUN)).rejects.toThrow(`${meta} is damaged`);
    expect((await readdir(join(folder, 'mlruns'))).sort()).toEqual(['.trash', '0']);
  });

  test('a file where the folder should be', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, 'mlruns'), '');
    await expect(open(folder)).rejects.toThrow(/cannot make the folder/);
    await expect(access(join(folder, 'cache'))).rejects.toThrow();
  });
});
