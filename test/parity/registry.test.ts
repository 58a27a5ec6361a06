import { expect, test } from 'vitest';
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

async function takeOurSteps(rig: Rig, uri: string): Promise<void> {
  for (const line of OURS) {
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
