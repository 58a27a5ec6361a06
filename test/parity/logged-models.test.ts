import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { openTrackingStore } from '../../src/tracking/open.ts';
import type { TrackingStore } from '../../src/tracking/store.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython } from '../setup/mlflow.ts';

/** The same steps by Python's stores and by ours, each on a store of its own. */
const THEIRS = `
import json, sys
from mlflow import MlflowClient
from mlflow.entities import *
from mlflow.entities.logged_model_tag import LoggedModelTag
from mlflow.entities.logged_model_parameter import LoggedModelParameter
client = MlflowClient(sys.argv[1])
store = client._tracking_client.store
run = client.create_run("0", start_time=1000, run_name="run").info.run_id
model = store.create_logged_model("0", "churn", run, [LoggedModelTag("team", "größe 😀")], [LoggedModelParameter("alpha", "0.5")], "Agent")
other = store.create_logged_model("0", "other")
store.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
store.delete_logged_model(other.model_id)
store.set_logged_model_tags(model.model_id, [LoggedModelTag("team", "b"), LoggedModelTag("gone", "c")])
store.delete_logged_model_tag(model.model_id, "gone")
store.log_logged_model_params(model.model_id, [LoggedModelParameter("beta", "two\\nlines")])
store.log_batch(run, [
  Metric("f1", 0.875, 2000, 0, model_id=model.model_id, dataset_name="test", dataset_digest="abc"),
  Metric("loss", 0.25, 2001, 3, model_id=model.model_id), Metric("plain", 1.5, 2002, 1)], [], [])
data = Dataset("data", "d1", "local", '{"uri": "a.csv"}', '{"columns": []}')
store.log_inputs(run, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])], [LoggedModelInput(other.model_id)])
store.log_outputs(run, [LoggedModelOutput(model.model_id, 4)])
print(json.dumps([run, model.model_id, other.model_id]))
`;

/** What Python's client reads of a run and its models. */
const READ = `
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
run_id, model_id, other_id = sys.argv[2:]
run, [model] = client.get_run(run_id), client.search_logged_models(["0"], filter_string="name = 'churn' AND metrics.f1 > 0.5")
shown = lambda m: [m.key, m.value, m.timestamp, m.step, m.dataset_name, m.dataset_digest, m.run_id == run_id]
def deleted():
    try: return client.get_logged_model(other_id).name
    except Exception as e: return e.error_code
print(json.dumps({
  "model": [model.name, model.status.value, model.tags, model.params, model.model_type, model.source_run_id == run_id, sorted(map(shown, model.metrics))],
  "location": model.artifact_location.split("/")[-4:-2] + model.artifact_location.split("/")[-1:], "id": model.model_id == model_id, "deleted": deleted(),
  "datasets": [[i.dataset.to_dictionary(), [[t.key, t.value] for t in i.tags]] for i in run.inputs.dataset_inputs],
  "inputs": [m.model_id == other_id for m in run.inputs.model_inputs], "outputs": [[m.model_id == model_id, m.step] for m in run.outputs.model_outputs],
  "metrics": run.data.metrics}))
`;

type Ids = readonly [run: string, model: string, other: string];

async function takeOurSteps(store: TrackingStore): Promise<Ids> {
  const { info } = await store.createRun({
    experimentId: '0',
    userId: 'ann',
    startTimeMs: 1_000,
    runName: 'run',
    tags: [],
  });
  const { loggedModels } = store;
  const model = await loggedModels.create({
    experimentId: '0',
    name: 'churn',
    sourceRunId: info.id,
    modelType: 'Agent',
    tags: [{ key: 'team', value: 'größe 😀' }],
    params: [{ key: 'alpha', value: '0.5' }],
  });
  const other = await loggedModels.create({ experimentId: '0', name: 'other' });
  await loggedModels.finalize(model.id, 'READY');
  await loggedModels.delete(other.id);
  await loggedModels.setTags(model.id, [
    { key: 'team', value: 'b' },
    { key: 'gone', value: 'c' },
  ]);
  await loggedModels.deleteTag(model.id, 'gone');
  await loggedModels.logParams(model.id, [{ key: 'beta', value: 'two\nlines' }]);
  const dataset = { name: 'test', digest: 'abc' };
  await store.logBatch(info.id, {
    metrics: [
      { key: 'f1', value: 0.875, timestampMs: 2_000, step: 0, modelId: model.id, dataset },
      { key: 'loss', value: 0.25, timestampMs: 2_001, step: 3, modelId: model.id },
      { key: 'plain', value: 1.5, timestampMs: 2_002, step: 1 },
    ],
  });
  await store.logInputs(info.id, {
    datasetInputs: [
      {
        dataset: {
          name: 'data',
          digest: 'd1',
          sourceType: 'local',
          source: '{"uri": "a.csv"}',
          schema: '{"columns": []}',
          profile: undefined,
        },
        tags: [{ key: 'mlflow.data.context', value: 'training' }],
      },
    ],
    modelInputs: [other.id],
  });
  await store.logOutputs(info.id, [{ modelId: model.id, step: 4 }]);
  return [info.id, model.id, other.id];
}

/** Ids and times in the order in which they come up, so that two stores can be compared. */
function anonymize(text: string, folder: string, ids: Ids): string {
  const known = ids.reduce((rest, id, at) => rest.replaceAll(id, `ID${at}`), text);
  return known
    .replaceAll(folder, 'FOLDER')
    .replace(/\b[0-9a-f]{32}\b/g, 'ID')
    .replace(/\b17\d{11}\b|\b18\d{11}\b/g, '1');
}

/** All rows of the tables that models and inputs fill. */
function dumpTables(folder: string, ids: Ids): Record<string, unknown> {
  const database = new DatabaseSync(join(folder, 'm.db'), { readOnly: true });
  const tables = ['inputs', 'input_tags', 'datasets', 'metrics', 'latest_metrics'].concat(
    ['s', '_metrics', '_params', '_tags'].map((end) => `logged_model${end}`),
  );
  const dump = tables.map((table) => {
    const rows = database.prepare(`select * from ${table}`).all();
    return [table, rows.map((row) => anonymize(JSON.stringify(row), folder, ids)).sort()];
  });
  database.close();
  return Object.fromEntries(dump);
}

/** All files of a folder store that are about models and links; YAML as what it means. */
async function dumpFiles(folder: string, ids: Ids): Promise<unknown> {
  const entries = await readdir(join(folder, 'runs'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const read = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    const text = anonymize(await readFile(path, 'utf8'), folder, ids);
    // MLflow forgets the stage of a model as it ends the upload: absent means active.
    const content = name === 'meta.yaml' ? { lifecycle_stage: 'active', ...parse(text) } : text;
    return [anonymize(path, folder, ids), content] as const;
  });
  const isLinked = /\/(models|datasets|inputs|outputs|metrics)\//;
  const dump = (await Promise.all(read)).filter(([path]) => isLinked.test(path));
  return dump.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe.each([
  { name: 'SQLite', uriOf: (folder: string) => `sqlite:///${folder}/m.db`, dump: dumpTables },
  { name: 'a folder', uriOf: (folder: string) => `file://${folder}/runs`, dump: dumpFiles },
])('$name', ({ uriOf, dump }) => {
  let ours: string;
  let theirs: string;
  let ourIds: Ids;
  let theirIds: Ids;
  const open = (folder: string) =>
    openTrackingStore(uriOf(folder), createTestContext({ cwd: folder }));

  beforeAll(async () => {
    ours = await mkdtemp(join(tmpdir(), 'mlts-models-'));
    theirs = await mkdtemp(join(tmpdir(), 'mlts-models-'));
    const store = await open(ours);
    ourIds = await takeOurSteps(store);
    await store.close();
    theirIds = await askPython<Ids>(THEIRS, [uriOf(theirs)], { cwd: theirs });
  });
  afterAll(async () => {
    for (const folder of [ours, theirs]) await rm(folder, { recursive: true, force: true });
  });

  test('both leave the same data', async () => {
    const our = await dump(ours, ourIds);
    expect(our).toEqual(await dump(theirs, theirIds));
  });

  test('Python reads what mlts wrote as what it wrote itself', async () => {
    const our = await askPython(READ, [uriOf(ours), ...ourIds], { cwd: ours });
    const their = await askPython(READ, [uriOf(theirs), ...theirIds], { cwd: theirs });
    expect(our).toEqual(their);
  });

  test('mlts reads what Python wrote as what it wrote itself', async () => {
    const read = async (folder: string, ids: Ids): Promise<unknown> => {
      const store = await open(folder);
      const [model, links] = [
        await store.loggedModels.get(ids[1]),
        await store.getRunLinks(ids[0]),
      ];
      const search = { experimentIds: ['0'], maxResults: 10 };
      const found = await store.loggedModels.search(search);
      expect(found.items).toEqual([model]);
      await store.close();
      return JSON.parse(anonymize(JSON.stringify({ model, links }), folder, ids));
    };
    expect(await read(theirs, theirIds)).toEqual(await read(ours, ourIds));
  });
});
