import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { downloadArtifact } from '../../src/artifacts/download.ts';
import { withResolver } from '../setup/artifact-resolver.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython, type RunningServer, startMlflowServer } from '../setup/mlflow.ts';

interface Logged {
  readonly runId: string;
  readonly artifactUri: string;
  readonly modelId: string;
  /** What MLflow itself leaves of `models:/churn/1` below its download folder, by path. */
  readonly downloaded: Readonly<Record<string, string>>;
}

/** A run with files, a logged model, and three versions of it: 1 in Production, 2 with the alias champion. */
const LOG = `
import json, os, sys, tempfile, mlflow
from mlflow import MlflowClient
mlflow.set_tracking_uri(sys.argv[1])
class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return model_input
with mlflow.start_run() as run:
    mlflow.log_text("a,b\\n1,2\\n", "data/rows.csv")
    mlflow.log_text("x", "data/deep/er/50% + más.txt")
    model = mlflow.pyfunc.log_model(name="model", python_model=Echo(), pip_requirements=[])
client = MlflowClient()
client.create_registered_model("churn")
for _ in range(3):
    client.create_model_version("churn", model.model_uri, run.info.run_id, model_id=model.model_id)
client.transition_model_version_stage("churn", "1", "Production")
client.set_registered_model_alias("churn", "champion", "2")
client.create_registered_model("empty")
with tempfile.TemporaryDirectory() as folder:
    path = mlflow.artifacts.download_artifacts("models:/churn/1", dst_path=folder)
    files = [os.path.join(d, f) for d, _, names in os.walk(path) for f in names]
    downloaded = {os.path.relpath(f, path): open(f, "rb").read().decode("latin1") for f in files}
print()
print(json.dumps({"runId": run.info.run_id, "artifactUri": run.info.artifact_uri, "modelId": model.model_id, "downloaded": downloaded}))
`;

let server: RunningServer;
let logged: Logged;
let folder: string;
const scratch: string[] = [];

beforeAll(async () => {
  server = await startMlflowServer();
  logged = await askPython<Logged>(LOG, [server.uri]);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-proxy-'));
  scratch.push(folder);
});

afterAll(async () => {
  await server?.stop();
  await Promise.all(scratch.map((path) => rm(path, { recursive: true, force: true })));
});

function download(uri: string, env: Record<string, string> = {}): Promise<string> {
  const context = createTestContext({
    cwd: folder,
    env: { MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0', ...env },
  });
  return withResolver(server.uri, context, (resolver) =>
    downloadArtifact(uri, join(folder, 'to'), context, resolver),
  );
}

async function readTree(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const read = files.map(async ({ parentPath, name }) => {
    const file = join(parentPath, name);
    return [file.slice(path.length + 1), await readFile(file, 'latin1')] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

describe('files of a run that a server hands out', () => {
  test('the server gives mlflow-artifacts: addresses', () => {
    expect(logged.artifactUri).toMatch(/^mlflow-artifacts:\//);
  });

  test('a file by runs:/', async () => {
    const path = await download(`runs:/${logged.runId}/data/rows.csv`);
    expect(path).toBe(join(folder, 'to/rows.csv'));
    expect(await readFile(path, 'utf8')).toBe('a,b\n1,2\n');
  });

  test('a folder by runs:/, with odd names', async () => {
    const path = await download(`runs:/${logged.runId}/data`);
    expect((await readdir(path, { recursive: true })).sort()).toEqual([
      'deep',
      'deep/er',
      'deep/er/50% + más.txt',
      'rows.csv',
    ]);
  });

  test('a file by mlflow-artifacts:', async () => {
    const path = await download(`${logged.artifactUri}/data/rows.csv`);
    expect(await readFile(path, 'utf8')).toBe('a,b\n1,2\n');
  });

  test.each(['data', 'data/deep/er/50%25%20+%20m%C3%A1s.txt'])(
    '%s by its http address',
    async (path) => {
      const root = logged.artifactUri.replace(
        'mlflow-artifacts:',
        '/api/2.0/mlflow-artifacts/artifacts',
      );
      const arrived = await download(`${server.uri}${root}/${path}`);
      expect(arrived).toBe(join(folder, 'to', decodeURIComponent(path).split('/').at(-1) ?? ''));
    },
  );

  test.each(['data/none.csv', 'none', 'model/none'])(
    '`%s`, which is not there, is NotFound',
    async (path) => {
      await expect(download(`runs:/${logged.runId}/${path}`)).rejects.toMatchObject({
        code: 'RESOURCE_DOES_NOT_EXIST',
        message: expect.stringContaining(`/${path} does not exist`),
      });
      expect(await readdir(join(folder, 'to'))).toEqual([]);
    },
  );
});

describe('models', () => {
  test('a version arrives as MLflow leaves it, the note of its name included', async () => {
    expect(logged.downloaded.registered_model_meta).toBeDefined();
    expect(await readTree(await download('models:/churn/1'))).toEqual(logged.downloaded);
  });

  test.each([
    ['models:/churn/Production', '1'],
    ['models:/churn/production', '1'],
    ['models:/churn@champion', '2'],
    ['models:/churn/latest', '3'],
  ])('%s is version %s', async (uri, version) => {
    const { registered_model_meta: meta } = await readTree(await download(uri));
    expect(meta).toBe(logged.downloaded.registered_model_meta?.replace("'1'", `'${version}'`));
  });

  test('by id, and as the model that the run logged', async () => {
    const { registered_model_meta: _, ...files } = logged.downloaded;
    expect(await readTree(await download(`models:/${logged.modelId}`))).toEqual(files);
    const ofRun = await download(`runs:/${logged.runId}/model`);
    expect(ofRun).toBe(join(folder, 'to/model'));
    expect(await readTree(ofRun)).toEqual(files);
  });

  test('the registry may be another server than the tracking server', async () => {
    const elsewhere = { MLFLOW_REGISTRY_URI: 'http://127.0.0.1:9' };
    await expect(download('models:/churn/1', elsewhere)).rejects.toThrow(/127\.0\.0\.1:9/);
    await download(`models:/${logged.modelId}`, elsewhere);
  });

  test('one file of a model', async () => {
    expect(await download('models:/churn@champion/MLmodel')).toBe(join(folder, 'to/MLmodel'));
    expect(await download(`runs:/${logged.runId}/model/python_model.pkl`)).toMatch(/python_model/);
  });

  test.each([
    ['models:/nobody/1', /not found/i],
    ['models:/churn/99', /not found/i],
    ['models:/churn@nobody', /has no alias `nobody`/],
    ['models:/churn/Staging', /has no version in stage `Staging`/],
    ['models:/empty/latest', /has no version/],
    ['models:/m-nobody', /not found/i],
  ])('%s is unknown', async (uri, message) => {
    await expect(download(uri)).rejects.toThrow(message);
  });
});
