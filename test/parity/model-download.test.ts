import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { askPython } from '../setup/mlflow.ts';

/** A model that Python logs and registers, then what `mlflow artifacts download` makes of its addresses. */
const LOG = `
import json, mlflow
from mlflow import MlflowClient
class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return model_input
with mlflow.start_run() as run:
    mlflow.log_text("own", "files/own.txt")
    model = mlflow.pyfunc.log_model(name="model", python_model=Echo(), pip_requirements=[], registered_model_name="churn")
client = MlflowClient()
client.transition_model_version_stage("churn", "1", "Production")
client.set_registered_model_alias("churn", "champion", "1")
print()
print(json.dumps([run.info.run_id, model.model_id]))
`;

const DOWNLOAD = `
import json, sys
from click.testing import CliRunner
from mlflow.cli import cli
print()
print(json.dumps([CliRunner().invoke(cli, ["artifacts", "download", "-u", uri, "-d", target]).stdout for uri, target in json.loads(sys.argv[1])]))
`;

let rig: Rig;
let uris: readonly string[];

beforeAll(async () => {
  rig = createRig();
  const env = { MLFLOW_TRACKING_URI: `sqlite:///${rig.path('mlflow.db')}` };
  const [runId, modelId] = await askPython<string[]>(LOG, [], { cwd: rig.directory, env });
  uris = [
    'models:/churn/1',
    'models:/churn/1/',
    'models:/churn@champion',
    'models:/churn/Production',
    'models:/churn/latest',
    `models:/${modelId}`,
    'models:/churn/1/MLmodel',
    'models:/churn@champion/MLmodel',
    `runs:/${runId}/model`,
    `runs:/${runId}/files`,
    `runs:/${runId}/files/own.txt`,
  ];
});
afterAll(() => rig[Symbol.asyncDispose]());

async function readTree(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const read = entries
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }) => {
      const file = join(parentPath, name);
      const text = await readFile(file, 'latin1');
      // By alias MLflow's database gives a number, all else gives a text.
      const content = name === 'registered_model_meta' ? text.replace(/: 1$/m, ": '1'") : text;
      return [file.slice(path.length + 1), content] as const;
    });
  // A model by its id gets a note with nothing in it from MLflow, and none from us.
  const files = (await Promise.all(read)).filter(
    ([, text]) => !text.startsWith('model_name: null'),
  );
  return Object.fromEntries(files.sort());
}

test('every address brings the same files to the same place, and says so in the same way', async () => {
  const env = { MLFLOW_TRACKING_URI: `sqlite:///${rig.path('mlflow.db')}` };
  const target = (who: string, index: number): string => rig.path(`${who}-${index}`);
  const calls = uris.map((uri, index) => [uri, target('theirs', index)]);
  const theirs = await askPython<string[]>(DOWNLOAD, [JSON.stringify(calls)], {
    cwd: rig.directory,
    env,
  });
  for (const [index, uri] of uris.entries()) {
    const args = ['artifacts', 'download', '-u', uri, '-d', target('ours', index)];
    const { stdout } = await rig.mlts(args);
    expect(stdout, uri).toBe(
      theirs[index]?.replace(target('theirs', index), target('ours', index)),
    );
    const ours = await readTree(target('ours', index));
    expect(ours, uri).toEqual(await readTree(target('theirs', index)));
  }
});
