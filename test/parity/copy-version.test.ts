import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig } from '../cli/rig.ts';
import { askPython, type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';

const COPY = `
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1], sys.argv[1])
client.create_registered_model("source")
client.create_model_version("source", "s3://bucket/one", description="first")
client.create_model_version("source", "s3://bucket/two", run_id="abc", run_link="http://runs/abc", tags={"a": "1", "b/c": "é"}, description="second")
client.set_registered_model_alias("source", "champion", "2")
client.transition_model_version_stage("source", "1", "Production")
for uri in ("models:/source@champion", "models:/source/Production", "models:/source/latest", "models:/theirs/2"):
    client.copy_model_version(uri, "theirs")
print("null")`;

const SOURCES = ['source@champion', 'source/production', 'source/latest', 'theirs/2'];

const READ = `
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1], sys.argv[1])
def show(name):
    versions = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda v: int(v.version))
    return [[int(v.version), v.source, v.run_id, v.run_link, v.tags, v.aliases, v.description, v.current_stage, client.get_model_version_download_uri(name, str(v.version))] for v in versions]
print(json.dumps([show("theirs"), show("ours")]))`;

async function copyAll(uri: string): Promise<void> {
  await using rig = createRig({ MLFLOW_TRACKING_URI: uri });
  await askPython(COPY, [uri]);
  for (const [index, source] of SOURCES.entries()) {
    const ended = await rig.mlts(['model-versions', 'copy', `models:/${source}`, 'ours']);
    expect(ended, source).toMatchObject({ exitCode: 0, stdout: `${index + 1}\n` });
  }
  const [theirs, ours] = await askPython<readonly unknown[]>(READ, [uri]);
  expect(ours).toEqual(theirs);
  expect(ours).toHaveLength(4);
}

describe("mlts model-versions copy does as Python's client", { timeout: 400_000 }, () => {
  test('SQLite', async () => {
    await using rig = createRig();
    await copyAll(`sqlite:///${rig.path('mlflow.db')}`);
  });

  test('a folder', async () => {
    await using rig = createRig();
    await copyAll(`file://${rig.path('mlruns')}`);
  });

  describe('an MLflow server', () => {
    let server: RunningServer;
    beforeAll(async () => {
      server = await startMlflowServer();
    });
    afterAll(() => server?.stop());

    test('an MLflow server', () => copyAll(server.uri));
  });

  describeOnPostgres('PostgreSQL', (postgres) => {
    test('PostgreSQL', async () => copyAll(await postgres().createDatabase()));
  });
});
