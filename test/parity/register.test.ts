import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { askPython, type RunningServer, startMlflowServer } from '../setup/mlflow.ts';

/**
 * A model saved in a folder, and a run that has it among its artifacts and has logged it besides. Python
 * registers it under `theirs` by each of the addresses, in the order of what it prints.
 */
const LOG = `
import json, sys, os
import mlflow
class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input
uri, saved = sys.argv[1:3]
mlflow.set_tracking_uri(uri)
mlflow.set_registry_uri(uri)
mlflow.set_experiment("models")
with mlflow.start_run() as run:
    info = mlflow.pyfunc.log_model(name="logged", python_model=Model(), pip_requirements=[], step=7)
    mlflow.pyfunc.log_model(name="logged", python_model=Model(), pip_requirements=[], step=3)
    mlflow.pyfunc.save_model(saved, python_model=Model(), pip_requirements=[])
    mlflow.log_artifacts(saved, "sub/kept")
sources = [f"runs:/{run.info.run_id}/sub/kept", f"runs:/{run.info.run_id}/logged", f"models:/{info.model_id}"]
if not uri.startswith("http"):
    sources.append(saved)
for source in sources:
    mlflow.register_model(source, "theirs", tags={"a": "1"})
for version in ("theirs/1", "theirs/3"):
    sources.append("models:/" + version)
    mlflow.register_model(sources[-1], "theirs", tags={"a": "1"})
print(json.dumps([info.model_id, *sources]))`;

const READ = `
import json, sys
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient(sys.argv[1], sys.argv[1])
# Of another version's run MLflow keeps nothing, though its documents say so, unless a server does it.
def run_of(v):
    return v.run_id if sys.argv[1].startswith("http") or not v.source.startswith("models:/theirs") else None
def show(name):
    versions = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda v: int(v.version))
    return [[int(v.version), v.source, run_of(v), v.model_id, v.tags, client.get_model_version_download_uri(name, str(v.version))] for v in versions]
def list_on(model_id, name):
    tags = client.get_logged_model(model_id).tags
    listed = [v for v in json.loads(tags["mlflow.modelVersions"]) if v["name"] == name]
    return sorted({int(v["version"]) for v in listed})
print(json.dumps([[show(name), list_on(sys.argv[2], name)] for name in ("theirs", "ours")]))`;

async function registerAll(rig: Rig, uri: string): Promise<void> {
  const env = { MLFLOW_TRACKING_URI: uri };
  const [modelId = '', ...sources] = await askPython<readonly string[]>(
    LOG,
    [uri, rig.path('saved')],
    { cwd: rig.directory },
  );
  for (const [index, source] of sources.entries()) {
    const line = ['models', 'register', source, '--name', 'ours', '--tag', 'a=1'];
    const ended = await rig.mlts(line, { env });
    expect(ended, source).toMatchObject({ exitCode: 0, stdout: `${index + 1}\n` });
  }
  const [theirs, ours] = await askPython<readonly unknown[]>(READ, [uri, modelId]);
  expect(ours).toEqual(theirs);
  expect(ours).toEqual([Array(sources.length).fill(expect.anything()), expect.anything()]);
}

// Models are logged and registered one after the other, by processes that import much.
describe('mlts models register does as mlflow.register_model', { timeout: 400_000 }, () => {
  test.each(['sqlite', 'folder'])('%s', async (kind) => {
    await using rig = createRig();
    const folder = rig.path('mlruns');
    await registerAll(rig, kind === 'folder' ? `file://${folder}` : `sqlite:///${folder}.db`);
  });

  describe('an MLflow server', () => {
    let server: RunningServer;
    beforeAll(async () => {
      server = await startMlflowServer();
    });
    afterAll(() => server?.stop());

    test('an MLflow server', async () => {
      await using rig = createRig();
      await registerAll(rig, server.uri);
    });
  });
});
