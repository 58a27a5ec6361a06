import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askPython, type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

const PROXY = '/api/2.0/mlflow-artifacts';

let theirs: RunningServer;
let ours: MltsServer;
beforeAll(async () => {
  [theirs, ours] = await Promise.all([startMlflowServer(), startMltsServer()]);
});
afterAll(async () => {
  await Promise.all([theirs?.stop(), ours?.stop()]);
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** The path goes out as it is written: `fetch` would take `..` out of it. */
function ask(
  uri: string,
  method: string,
  path: string,
  body: Buffer | string = '',
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { hostname, port } = new URL(uri);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(pieces),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const COMPARED = [
  ...['content-type', 'content-disposition', 'x-content-type-options', 'content-length'],
  ...['content-range', 'accept-ranges'],
];

function pick({ status, headers, body }: Answer): unknown {
  const compared = Object.fromEntries(COMPARED.map((name) => [name, headers[name]]));
  return { status, ...compared, body: body.toString() };
}

test.each([
  ...['a.txt', 'b.json', 'c.bin', 'd.png', 'MLmodel', 'MLproject', 'mlproject'],
  ...['in/a/folder.csv', 'two%20words.txt'],
])('%s goes in and comes out with the same headers', async (name) => {
  const path = `${PROXY}/artifacts/files/${name}`;
  const told = [];
  for (const { uri } of [theirs, ours]) {
    const put = await ask(uri, 'PUT', path, '0123456789');
    const whole = await ask(uri, 'GET', path);
    const parts = [];
    for (const range of ['bytes=2-4', 'bytes=-3', 'bytes=7-', 'bytes=4-99']) {
      parts.push(pick(await ask(uri, 'GET', path, '', { range })));
    }
    const beyond = await ask(uri, 'GET', path, '', { range: 'bytes=99-' });
    told.push([
      put.status,
      put.headers['content-type'],
      put.body.toString(),
      pick(whole),
      parts,
      beyond.status,
    ]);
  }
  expect(told[1]).toEqual(told[0]);
});

test('folders are listed, and what is deleted is gone', async () => {
  const told = [];
  for (const { uri } of [theirs, ours]) {
    await ask(uri, 'PUT', `${PROXY}/artifacts/tree/a.txt`, 'a');
    await ask(uri, 'PUT', `${PROXY}/artifacts/tree/b/c.txt`, 'cc');
    const answers = [];
    for (const path of ['tree', 'tree/b', 'tree/a.txt', 'nothing', 'tree/../tree']) {
      const answer = await ask(uri, 'GET', `${PROXY}/artifacts?path=${path}`);
      answers.push(answer.status, answer.status === 200 && JSON.parse(answer.body.toString()));
    }
    for (const [method, path] of [
      ['GET', 'tree/b'],
      ['GET', 'tree/nothing'],
      ['DELETE', 'tree/b'],
      ['GET', 'tree/b/c.txt'],
      ['DELETE', 'tree/b'],
    ] as const) {
      answers.push((await ask(uri, method, `${PROXY}/artifacts/${path}`)).status);
    }
    told.push(answers);
  }
  expect(told[1]).toEqual(told[0]);
});

const TRAVERSALS = [
  ...['../out.txt', 'a/../../out.txt', '%2e%2e/out.txt', '%252e%252e%252fout.txt', '/etc/out.txt'],
  ...['%2Fetc/out.txt', '..%5Cout.txt', 'a%00b', 'C:%5Cout.txt', 'file:///etc/out.txt', '.', '%2e'],
  ...['a%23b', 'link/out.txt'],
];

test.each(TRAVERSALS)('%s leads nowhere', async (path) => {
  const root = join(ours.folder, 'mlartifacts');
  await mkdir(join(root, 'kept'), { recursive: true });
  await mkdir(join(ours.folder, 'elsewhere'), { recursive: true });
  await writeFile(join(ours.folder, 'elsewhere', 'out.txt'), 'secret');
  await symlink('../elsewhere', join(root, 'link')).catch(() => {});
  for (const method of ['PUT', 'GET', 'DELETE']) {
    const answer = await ask(
      ours.uri,
      method,
      `${PROXY}/artifacts/${path}`,
      method === 'PUT' ? 'x' : '',
    );
    expect([method, answer.status]).toEqual([method, 400]);
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      error_code: 'INVALID_PARAMETER_VALUE',
    });
  }
  expect(await readdir(ours.folder)).not.toContain('out.txt');
  expect(await readdir(join(ours.folder, 'elsewhere'))).toEqual(['out.txt']);
  expect(await readdir(root)).toContain('kept');
});

test('of an upload that breaks off nothing is left, and what was there stays', async () => {
  const path = `${PROXY}/artifacts/cut/a.bin`;
  await ask(ours.uri, 'PUT', path, 'before');
  const { hostname, port } = new URL(ours.uri);
  const headers = { 'content-length': '1000000' };
  const sent = request({ hostname, port, method: 'PUT', path, headers });
  sent.on('error', () => {});
  const folder = join(ours.folder, 'mlartifacts/cut');
  await new Promise<void>((resolve) => sent.write(randomBytes(500_000), () => resolve()));
  await expect.poll(() => readdir(folder), { timeout: 20_000 }).toHaveLength(2);
  sent.destroy();
  await expect.poll(() => readdir(folder), { timeout: 20_000 }).toEqual(['a.bin']);
  expect((await ask(ours.uri, 'GET', path)).body.toString()).toBe('before');
});

test('fifty clients at once get back what they sent', async () => {
  await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const content = randomBytes(200_000);
      const path = `${PROXY}/artifacts/many/${index}.bin`;
      expect((await ask(ours.uri, 'PUT', path, content)).status).toBe(200);
      expect((await ask(ours.uri, 'GET', path)).body.equals(content)).toBe(true);
    }),
  );
  expect(await readdir(join(ours.folder, 'mlartifacts/many'))).toHaveLength(50);
});

const CLIENT = `
import json, os, sys, tempfile, urllib.request, mlflow
from mlflow import MlflowClient
client = MlflowClient()
run = client.create_run('0')
folder = tempfile.mkdtemp()
os.makedirs(folder + '/sub')
for name in ['a.txt', 'sub/b.txt']:
    open(folder + '/' + name, 'w').write(name)
client.log_artifacts(run.info.run_id, folder)
client.log_artifact(run.info.run_id, folder + '/a.txt', 'again')
class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [7]
with mlflow.start_run(run_id=run.info.run_id):
    model = mlflow.pyfunc.log_model(name='m', python_model=Model(), pip_requirements=[], registered_model_name='kept')
def names(path=None):
    return [(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run.info.run_id, path)]
down = client.download_artifacts(run.info.run_id, 'sub', tempfile.mkdtemp())
def get(path):
    with urllib.request.urlopen(os.environ['MLFLOW_TRACKING_URI'] + path) as answer:
        return [answer.status, dict(answer.headers).get('content-disposition'), answer.read().decode()[:14]]
print(json.dumps([
    names(), names('sub'), names('again'), open(down + '/b.txt').read(),
    mlflow.pyfunc.load_model('models:/kept/1').predict([1]),
    sorted(f.path for f in client.list_logged_model_artifacts(model.model_id)),
    get('/get-artifact?path=sub/b.txt&run_id=' + run.info.run_id),
    get('/model-versions/get-artifact?path=MLmodel&name=kept&version=1'),
    get('/ajax-api/2.0/mlflow/logged-models/' + model.model_id + '/artifacts/files?artifact_file_path=MLmodel'),
]))
`;

test.each([
  {},
  { MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: 'true', MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: '1' },
])(
  "MLflow's client logs, lists, downloads and loads as with MLflow's server (%o)",
  async (settings) => {
    const told = [];
    for (const { uri } of [theirs, ours]) {
      told.push(await askPython(CLIENT, [], { env: { MLFLOW_TRACKING_URI: uri, ...settings } }));
    }
    expect(told[1]).toEqual(told[0]);
  },
);

test('nothing on the disk of the server has an address of its own, in the same words', async () => {
  const told = [];
  for (const { uri } of [theirs, ours]) {
    const json = { 'content-type': 'application/json' };
    const post = (path: string, sent: unknown) =>
      ask(uri, 'POST', path, JSON.stringify(sent), json);
    const api = (path: string, sent: unknown) => post(`/api/2.0/mlflow/${path}`, sent);
    const artifact_location = await mkdtemp(join(tmpdir(), 'mlts-direct-'));
    const made = await api('experiments/create', { name: 'on disk', artifact_location });
    const created = await api('runs/create', JSON.parse(made.body.toString()));
    const { run } = JSON.parse(created.body.toString()) as { run: { info: { run_id: string } } };
    const { run_id } = run.info;
    const answers = [
      await post(`${PROXY}/mpu/create/a`, { path: 'b', num_parts: 1 }),
      await post(`${PROXY}/mpu/complete/a`, { path: 'b', parts: [] }),
      await post(`${PROXY}/mpu/abort/a`, { path: 'b' }),
      await ask(uri, 'GET', `${PROXY}/presigned/a/b`),
      await api('artifacts/presigned-upload-url', { run_id, path: 'a' }),
      await api('artifacts/presigned-download-url', { run_id, path: 'a' }),
    ];
    told.push(answers.map(({ status, body }) => [status, JSON.parse(body.toString())]));
    const info = await ask(uri, 'GET', '/api/3.0/mlflow/server-info');
    const { features_enabled: _, ...rest } = JSON.parse(info.body.toString());
    told.at(-1)?.push([info.status, rest]);
    await rm(artifact_location, { recursive: true });
  }
  expect(told[1]).toEqual(told[0]);
});

test('an option closes either side of the server', async () => {
  const path = `${PROXY}/artifacts/a.txt`;
  const json = { 'content-type': 'application/json' };
  const told = [];
  for (const option of ['--no-serve-artifacts', '--artifacts-only']) {
    const server = await startMltsServer([option]);
    const put = await ask(server.uri, 'PUT', path, 'x');
    const search = '/api/2.0/mlflow/experiments/search';
    const found = await ask(server.uri, 'POST', search, '{"max_results": 1}', json);
    const file = await ask(server.uri, 'GET', '/get-artifact?path=a&run_id=b');
    const info = await ask(server.uri, 'GET', '/api/3.0/mlflow/server-info');
    const kept = (await readdir(server.folder)).includes('mlflow.db');
    told.push([option, put.status, found.status, file.status, info.status, kept]);
    await server.stop();
  }
  expect(told).toEqual([
    ['--no-serve-artifacts', 503, 200, 404, 200, true],
    ['--artifacts-only', 200, 503, 503, 200, false],
  ]);
});
