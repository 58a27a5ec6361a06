import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { askPython, type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { type S3Gateway, startS3Gateway } from '../setup/s3-gateway.ts';

const PROXY = '/api/2.0/mlflow-artifacts';
/** S3 takes no smaller parts but the last. */
const PART_BYTES = 5 * 1024 * 1024;
const CONTENT = randomBytes(2 * PART_BYTES + 1_000);

/** Files go past the server, whatever their size. */
const DIRECT = {
  MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: 'true',
  MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD: 'true',
  MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: '1',
  MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE: String(PART_BYTES),
};

let buckets: string;
let gateway: S3Gateway;
let theirs: RunningServer;
let ours: MltsServer;
let rig: Rig;
beforeAll(async () => {
  rig = createRig();
  buckets = await mkdtemp(join(tmpdir(), 'mlts-buckets-'));
  await mkdir(join(buckets, 'lake'));
  gateway = await startS3Gateway(buckets);
  [theirs, ours] = await Promise.all([
    startMlflowServer(['--artifacts-destination', 's3://lake/theirs'], { ...gateway.env }),
    startMltsServer(['--artifacts-destination', 's3://lake/ours', '--access-log'], gateway.env),
  ]);
  await writeFile(rig.path('a b+c.json'), CONTENT);
}, 180_000);
afterAll(async () => {
  await Promise.all([theirs?.stop(), ours?.stop()]);
  await gateway?.stop();
  await rig?.[Symbol.asyncDispose]();
  await rm(buckets, { recursive: true, force: true });
});

const post = (uri: string, path: string, json: unknown): Promise<Response> =>
  fetch(`${uri}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
  });

/** An address without what is drawn or signed. */
function shapeOf(url: string): unknown {
  const { origin, pathname, searchParams } = new URL(url);
  const keys = ['X-Amz-Algorithm', 'X-Amz-Expires', 'partNumber', 'response-content-disposition'];
  const path = pathname.replace(/\/(ours|theirs)\//, '/');
  return [origin, path, ...keys.map((key) => searchParams.get(key))];
}

type Json = Record<string, unknown>;

/** MLflow has a gateway. */
async function readInfo(answer: Response): Promise<unknown> {
  const { features_enabled: _, ...info } = (await answer.json()) as Json;
  return info;
}

async function tell(answer: Response): Promise<unknown> {
  const text = await answer.text();
  if (text.startsWith('<')) return [answer.status, text];
  const json = (text ? JSON.parse(text) : {}) as Json;
  if (answer.status >= 400) return [answer.status, json.error_code];
  const credentials = (json.credentials ?? []) as { url: string; part_number: number }[];
  return [
    answer.status,
    Object.keys(json).sort(),
    credentials.map(({ url, part_number }) => [part_number, shapeOf(url)]),
  ];
}

describe('multipart uploads by hand', () => {
  test('the same questions get the same answers', async () => {
    const told = [];
    for (const { uri } of [theirs, ours]) {
      const answers = [];
      for (const [path, json] of [
        ['create/1/run/artifacts', { path: '/home/ann/model.bin', num_parts: 2 }],
        ['create/1/run/artifacts', { path: 'model.bin', num_parts: '3' }],
        ['create/1/run/artifacts', { num_parts: 2 }],
        ['create/1/run/artifacts', { path: '', num_parts: 2 }],
        ['create/1/run/artifacts', { path: 7, num_parts: 2 }],
        ['create/1/run/artifacts', { path: 'a', num_parts: 'many' }],
        ['create/1/%252e%252e/artifacts', { path: 'a', num_parts: 1 }],
        ['complete/1/run/artifacts', { path: 'a', upload_id: 'x' }],
        ['complete/1/run/artifacts', { upload_id: 'x', parts: [] }],
        ['abort/1/run/artifacts', { upload_id: 'x' }],
        ['abort/1/%252e%252e/artifacts', { path: 'a', upload_id: 'x' }],
      ] as const) {
        answers.push([path, json, await tell(await post(uri, `${PROXY}/mpu/${path}`, json))]);
      }
      const info = await fetch(`${uri}/api/3.0/mlflow/server-info`);
      answers.push(await readInfo(info));
      told.push(answers);
    }
    expect(told[1]).toEqual(told[0]);
  });

  test('what has been sent in parts is one file, and what was given up is gone', async () => {
    const told = [];
    for (const { uri } of [theirs, ours]) {
      const file = { path: 'by-hand.bin' };
      const started = await post(uri, `${PROXY}/mpu/create/x/y`, { ...file, num_parts: 2 });
      const { credentials, upload_id } = (await started.json()) as {
        credentials: { url: string; part_number: number }[];
        upload_id: string;
      };
      const parts = [];
      for (const { url, part_number } of credentials) {
        const start = (part_number - 1) * PART_BYTES;
        const body = CONTENT.subarray(start, start + PART_BYTES);
        const sent = await fetch(url, { method: 'PUT', body });
        parts.push({ part_number, etag: sent.headers.get('etag'), url });
      }
      const tampered = (credentials[0]?.url ?? '').replace('partNumber=1', 'partNumber=7');
      const refused = await fetch(tampered, { method: 'PUT', body: 'x' });
      const done = await post(uri, `${PROXY}/mpu/complete/x/y`, { ...file, upload_id, parts });
      const signed = await fetch(`${uri}${PROXY}/presigned/x/y/by-hand.bin`);
      const { url, ...rest } = (await signed.json()) as { url: string };
      const fetched = await fetch(url, { headers: { range: 'bytes=5-9' } });
      const missing = await fetch(`${uri}${PROXY}/presigned/x/none`);
      const again = await post(uri, `${PROXY}/mpu/create/x/y`, { path: 'dropped', num_parts: 1 });
      const dropped = { path: 'dropped', upload_id: ((await again.json()) as Json).upload_id };
      const dropping = await post(uri, `${PROXY}/mpu/abort/x/y`, dropped);
      told.push([
        [done.status, await done.text(), refused.status, dropping.status, await dropping.text()],
        [
          signed.status,
          shapeOf(url),
          rest,
          missing.status,
          ((await missing.json()) as Json).error_code,
        ],
        [fetched.status, Buffer.from(await fetched.arrayBuffer()).toString('hex')],
        [fetched.headers.get('content-disposition')],
      ]);
    }
    expect(told[1]).toEqual(told[0]);
    for (const owner of ['ours', 'theirs']) {
      const stored = await readFile(join(buckets, 'lake', owner, 'x/y/by-hand.bin'));
      expect(stored.equals(CONTENT.subarray(0, 2 * PART_BYTES))).toBe(true);
      expect(await readdir(join(buckets, 'lake', owner, 'x/y'))).toEqual(['by-hand.bin']);
    }
  });

  test('a name that is none, and too many parts, are refused before anything is begun', async () => {
    for (const [path, count] of [
      ['..', 1],
      ['a/..', 1],
      ['a/', 1],
      ['a\0b', 1],
      ['a', 10_001],
      ['a', 0],
      ['a', -1],
    ]) {
      const answer = await post(ours.uri, `${PROXY}/mpu/create/evil`, { path, num_parts: count });
      expect(await tell(answer)).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    }
    expect(await readdir(join(buckets, 'lake/ours'))).not.toContain('evil');
  });
});

const CLIENT = `
import json, os, sys, tempfile, mlflow
from mlflow import MlflowClient
client = MlflowClient()
run = client.create_run('0').info.run_id
client.log_artifact(run, sys.argv[1], 'in/to')
down = client.download_artifacts(run, 'in/to/' + os.path.basename(sys.argv[1]), tempfile.mkdtemp())
same = open(down, 'rb').read() == open(sys.argv[1], 'rb').read()
print(json.dumps([run, same, [(f.path, f.file_size) for f in client.list_artifacts(run, 'in/to')]]))
`;

/** What has passed through the server itself: methods and paths of the proxy. */
function listPassed(): readonly string[] {
  const lines = ours.said.stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines
    .map((line) => JSON.parse(line) as { method: string; path: string })
    .filter(({ path }) => path.startsWith(`${PROXY}/artifacts/`))
    .map(({ method, path }) => `${method} ${path}`);
}

describe('clients whose files go past the server', () => {
  test("MLflow's", async () => {
    const told = [];
    for (const { uri } of [theirs, ours]) {
      const env = { MLFLOW_TRACKING_URI: uri, ...DIRECT };
      const [run, ...rest] = await askPython<[string]>(CLIENT, [rig.path('a b+c.json')], { env });
      told.push(rest);
      const owner = uri === ours.uri ? 'ours' : 'theirs';
      const stored = join(buckets, 'lake', owner, '0', run, 'artifacts/in/to/a b+c.json');
      expect((await readFile(stored)).equals(CONTENT)).toBe(true);
    }
    expect(told[1]).toEqual(told[0]);
    expect(listPassed()).toEqual([]);
  }, 60_000);

  test("ours, against MLflow's server and ours", async () => {
    for (const { uri } of [theirs, ours]) {
      const env = { ...rig.env, MLFLOW_TRACKING_URI: uri, ...DIRECT };
      const mlts = async (...args: string[]) => {
        const { stdout, stderr, exitCode } = await rig.mlts(args, { env });
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.any(String) });
        return stdout;
      };
      const created = await mlts('runs', 'create', '--experiment-id', '0');
      const { run_id: run } = JSON.parse(created) as { run_id: string };
      await mlts('artifacts', 'log-artifact', '-r', run, '-l', rig.path('a b+c.json'), '-a', 'x');
      await mlts('artifacts', 'download', '-r', run, '-a', 'x', '-d', rig.path(`got-${run}`));
      const got = await readFile(join(rig.path(`got-${run}`), 'x/a b+c.json'));
      expect(got.equals(CONTENT)).toBe(true);
    }
    expect(listPassed()).toEqual([]);
  }, 60_000);
});

test('what we cannot reach by ourselves goes through the server, and that is told', async () => {
  // All but the server itself would have to go over a proxy that is not there.
  const proxy = { http_proxy: 'http://127.0.0.1:9', no_proxy: new URL(ours.uri).host };
  const env = { ...rig.env, MLFLOW_TRACKING_URI: ours.uri, ...DIRECT, ...proxy };
  const mlts = (...args: string[]) =>
    rig.mlts(args, { env: { ...env, MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0' } });
  const { stdout } = await mlts('runs', 'create', '--experiment-id', '0');
  const { run_id: run } = JSON.parse(stdout) as { run_id: string };
  const file = rig.path('a b+c.json');
  const sent = await mlts('artifacts', 'log-artifact', '-r', run, '-l', file);
  const got = await mlts('artifacts', 'download', '-r', run, '-d', rig.path('round'));
  for (const { exitCode, stderr } of [sent, got]) {
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toMatch(/goes through the server instead/);
    expect(stderr).not.toMatch(/X-Amz/);
  }
  expect((await readFile(rig.path('round/a b+c.json'))).equals(CONTENT)).toBe(true);
  const path = `${PROXY}/artifacts/0/${run}/artifacts/a%20b%2Bc.json`;
  expect(listPassed()).toEqual([`PUT ${path}`, `GET ${path}`]);
  expect(await readdir(join(buckets, 'lake/ours/0', run, 'artifacts'))).toEqual(['a b+c.json']);
}, 60_000);

describe('runs whose artifacts are reached directly', () => {
  test('a single file has an address to send it to and one to fetch it from', async () => {
    const told = [];
    for (const { uri } of [theirs, ours]) {
      const api = (path: string, json: unknown) => post(uri, `/api/2.0/mlflow/${path}`, json);
      const made = await api('experiments/create', {
        name: 'direct',
        artifact_location: 's3://lake/direct',
      });
      const { experiment_id } = (await made.json()) as Json;
      const created = (await (await api('runs/create', { experiment_id })).json()) as {
        run: { info: { run_id: string } };
      };
      const { run_id } = created.run.info;
      const passing = (await (await api('runs/create', { experiment_id: '0' })).json()) as {
        run: { info: { run_id: string } };
      };
      const path = 'in/größe.txt';
      const up = await api('artifacts/presigned-upload-url', { run_id, path });
      const { presigned_url: to, headers } = (await up.json()) as {
        presigned_url: string;
        headers: Record<string, string>;
      };
      const bare = await fetch(to, {
        method: 'PUT',
        body: 'hello',
        headers: { 'content-type': 'text/html' },
      });
      const sent = await fetch(to, { method: 'PUT', body: 'hello', headers });
      const down = await api('artifacts/presigned-download-url', { run_id, path, expiration: 60 });
      const { presigned_url: from, ...rest } = (await down.json()) as { presigned_url: string };
      const fetched = await fetch(from);
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      const answers: unknown[] = [
        [bare.status, sent.status, lower, rest],
        [fetched.status, await fetched.text(), fetched.headers.get('content-disposition')],
        [
          new URL(from).searchParams.get('X-Amz-Expires'),
          new URL(to).searchParams.get('X-Amz-Expires'),
        ],
      ];
      for (const [what, json] of [
        ['upload', { path }],
        ['upload', { run_id, model_id: 'm-1', path }],
        ['upload', { run_id: 'f'.repeat(32), path }],
        ['upload', { run_id, path: '../x' }],
        ['upload', { run_id }],
        ['upload', { run_id: passing.run.info.run_id, path }],
        ['upload', { model_id: 'm-none', path }],
        ['download', { run_id, path: 'none' }],
        ['download', { run_id, path: '%2e%2e/x' }],
        ['download', { run_id, path, expiration: 0 }],
        ['download', { run_id, path, expiration: 604_801 }],
        ['download', { run_id, path, expiration: 'x' }],
        ['download', { run_id: passing.run.info.run_id, path }],
        ['download', { path }],
      ] as const) {
        const answer = await api(`artifacts/presigned-${what}-url`, json);
        answers.push([what, { ...json, run_id: '' }, await tell(answer)]);
      }
      told.push(answers);
    }
    expect(told[1]).toEqual(told[0]);
  });
});
