import { describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { askPython } from '../setup/mlflow.ts';

/** The same steps by mlts and by Python's client, each on a store of its own. */
const OURS: readonly string[] = [
  'registered-models create churn --description why --tag team=a',
  'registered-models create gone',
  'registered-models delete gone',
  'model-versions create churn --source s3://bucket/one --description first --tag a=1',
  'model-versions create churn --source s3://bucket/two --run-id abc',
  'model-versions create churn --source models:/churn/1',
  'model-versions create churn --source s3://bucket/four',
  'model-versions delete churn 4',
  'model-versions create churn --source s3://bucket/five',
  'registered-models set-alias churn champion 2',
  'registered-models set-alias churn gone 3',
  'registered-models delete-alias churn gone',
  'registered-models set-tag churn more 1',
  'registered-models set-tag churn gone 1',
  'registered-models delete-tag churn gone',
  'model-versions set-tag churn 2 checked yes',
  'model-versions update churn 2 --description second',
  'model-versions transition-stage churn 1 production',
  'model-versions transition-stage churn 2 production --archive-existing',
  'model-versions transition-stage churn 3 Staging',
  'registered-models rename churn renamed',
];

const THEIRS = `
import json, sys
from mlflow import MlflowClient
c = MlflowClient(sys.argv[1], sys.argv[1])
c.create_registered_model("churn", {"team": "a"}, "why")
c.create_registered_model("gone")
c.delete_registered_model("gone")
c.create_model_version("churn", "s3://bucket/one", description="first", tags={"a": "1"})
c.create_model_version("churn", "s3://bucket/two", run_id="abc")
c.create_model_version("churn", "models:/churn/1")
c.create_model_version("churn", "s3://bucket/four")
c.delete_model_version("churn", "4")
c.create_model_version("churn", "s3://bucket/five")
c.set_registered_model_alias("churn", "champion", "2")
c.set_registered_model_alias("churn", "gone", "3")
c.delete_registered_model_alias("churn", "gone")
c.set_registered_model_tag("churn", "more", "1")
c.set_registered_model_tag("churn", "gone", "1")
c.delete_registered_model_tag("churn", "gone")
c.set_model_version_tag("churn", "2", "checked", "yes")
c.update_model_version("churn", "2", "second")
c.transition_model_version_stage("churn", "1", "production")
c.transition_model_version_stage("churn", "2", "production", archive_existing_versions=True)
c.transition_model_version_stage("churn", "3", "Staging")
c.rename_registered_model("churn", "renamed")
`;

/** All rows of the registry's tables, times told by their presence; then what the client reads. */
const DUMP = `
import sqlite3
def dump(uri):
    rows = {}
    base = sqlite3.connect(uri[10:])
    base.row_factory = sqlite3.Row
    for table in ("registered_models", "model_versions", "registered_model_tags", "model_version_tags", "registered_model_aliases"):
        found = [{k: (v is not None if k.endswith("_time") else v) for k, v in dict(row).items()} for row in base.execute("select * from " + table)]
        rows[table] = sorted(found, key=json.dumps)
    client = MlflowClient(uri, uri)
    model = client.get_registered_model("renamed")
    rows["read"] = [model.aliases, model.tags, sorted([v.version, v.current_stage] for v in model.latest_versions), client.get_model_version_download_uri("renamed", "3")]
    return rows
print(json.dumps([dump(uri) for uri in sys.argv[1:]]))
`;

async function takeOurSteps(rig: Rig, uri: string, steps = OURS): Promise<void> {
  for (const line of steps) {
    const ended = await rig.mlts(line.split(' '), { env: { MLFLOW_TRACKING_URI: uri } });
    expect(ended, line).toMatchObject({ exitCode: 0 });
  }
}

test("mlts and Python's client leave the same registry, and read each other's", async () => {
  await using rig = createRig();
  const [theirs, ours] = [`sqlite:///${rig.path('theirs.db')}`, `sqlite:///${rig.path('ours.db')}`];
  await takeOurSteps(rig, ours);
  const [their, our] = await askPython<readonly unknown[]>(THEIRS + DUMP, [theirs, ours]);
  expect(our).toEqual(their);
  const found = await rig.mlts(['model-versions', 'search', '-o', 'json'], {
    env: { MLFLOW_TRACKING_URI: theirs },
  });
  expect(JSON.parse(found.stdout)).toMatchObject([
    { version: '5', current_stage: 'None' },
    { version: '3', current_stage: 'Staging', source: 'models:/churn/1' },
    { version: '2', current_stage: 'Production', aliases: ['champion'], description: 'second' },
    { version: '1', current_stage: 'Archived', tags: [{ key: 'a', value: '1' }] },
  ]);
});

describe('in a folder', () => {
  /** All files below the folder of models, parsed; times told by their presence. */
  const FILES = `
import os, yaml
def dump(uri):
    root, files = uri[7:] + "/models", {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            text = open(path, encoding="utf8").read()
            value = text if name != "meta.yaml" else {k: (v is not None if k.endswith("_timestamp") else v) for k, v in yaml.safe_load(text).items()}
            files[os.path.relpath(path, root)] = value
    return files
print(json.dumps([dump(uri) for uri in sys.argv[1:]], sort_keys=True))
`;
  // MLflow's rename fails half-way there on a version with tags, and leaves tags and aliases behind.
  const STEPS = OURS.slice(0, -1);
  const THEIR_STEPS = THEIRS.replace(/c\.rename.*\n/, '');

  test("mlts and Python's client leave the same files", async () => {
    await using rig = createRig();
    const [theirs, ours] = [`file://${rig.path('theirs')}`, `file://${rig.path('ours')}`];
    await takeOurSteps(rig, ours, STEPS);
    const [their, our] = await askPython<readonly unknown[]>(THEIR_STEPS + FILES, [theirs, ours]);
    expect(our).toEqual(their);
    expect(Object.keys(their as object)).toHaveLength(11);
  });

  test('each goes on with what the other wrote', async () => {
    await using rig = createRig();
    const uri = `file://${rig.path('mlruns')}`;
    const env = { MLFLOW_TRACKING_URI: uri };
    await takeOurSteps(rig, uri);
    const script = `
import json, sys
from mlflow import MlflowClient
c = MlflowClient(sys.argv[1], sys.argv[1])
model = c.get_registered_model("renamed")
found = c.search_model_versions("name LIKE 'ren%'")
c.create_model_version("renamed", "s3://bucket/six", tags={"by": "Python"})
c.set_registered_model_alias("renamed", "best", "6")
c.transition_model_version_stage("renamed", "6", "Production", archive_existing_versions=True)
c.update_registered_model("renamed", "no: plain\\n'text'")
print(json.dumps([
  model.aliases, model.tags, sorted([str(v.version), v.current_stage] for v in model.latest_versions),
  [[v.version, v.aliases, v.tags] for v in found], c.get_model_version_download_uri("renamed", "3"),
  c.get_model_version_by_alias("renamed", "champion").version,
]))`;
    expect(await askPython(script, [uri])).toEqual([
      { champion: '2' },
      { team: 'a', more: '1' },
      [
        ['1', 'Archived'],
        ['2', 'Production'],
        ['3', 'Staging'],
        ['5', 'None'],
      ],
      [
        [5, [], {}],
        [3, [], {}],
        [2, ['champion'], { checked: 'yes' }],
        [1, [], { a: '1' }],
      ],
      's3://bucket/one',
      2,
    ]);
    const got = await rig.mlts(['registered-models', 'get', 'renamed', '-o', 'json'], { env });
    expect(JSON.parse(got.stdout)).toMatchObject({
      description: "no: plain\n'text'",
      aliases: [
        { alias: 'best', version: '6' },
        { alias: 'champion', version: '2' },
      ],
      latest_versions: [
        { version: '2', current_stage: 'Archived' },
        { version: '3', current_stage: 'Staging' },
        { version: '5', current_stage: 'None' },
        { version: '6', current_stage: 'Production', tags: [{ key: 'by', value: 'Python' }] },
      ],
    });
  });
});
