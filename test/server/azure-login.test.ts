import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { type AzureLogin, startAzureLogin } from '../setup/azure-login.ts';
import { askPython } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

const MPU = '/api/2.0/mlflow-artifacts/mpu';
const PART_BYTES = 1_000_000;
const CONTENT = randomBytes(2 * PART_BYTES + 1_000);
const FILE = 'größe a+b.bin';

/** As MLflow's users send a file, whatever its size, and fetch it again. */
const THEIRS = `
import json, os, sys
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
uri, file, target = sys.argv[1:]
client = MlflowClient(uri)
run = client.create_run("0").info.run_id
client.log_artifact(run, file, "in/to")
print(json.dumps(download_artifacts(run_id=run, artifact_path="in/to/" + os.path.basename(file), dst_path=target, tracking_uri=uri)))`;

let azure: AzureLogin;
let rig: Rig;
let clientEnv: Record<string, string>;
beforeAll(async () => {
  rig = createRig();
  azure = await startAzureLogin(['lake']);
  const { HTTPS_PROXY = '', https_proxy = '', ...rest } = azure.env;
  const { NO_PROXY = '', no_proxy = '', REQUESTS_CA_BUNDLE = '' } = rest;
  clientEnv = {
    ...{ HTTPS_PROXY, https_proxy, NO_PROXY, no_proxy, REQUESTS_CA_BUNDLE },
    MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: 'true',
    MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD: 'true',
    MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE: String(PART_BYTES),
    MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: '1',
    MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE: String(PART_BYTES),
  };
  await writeFile(rig.path(FILE), CONTENT);
});
afterAll(async () => {
  await rig?.[Symbol.asyncDispose]();
  await azure?.stop();
});
beforeEach(() => {
  azure.requests.length = 0;
  azure.refusal = undefined;
});

type Json = Record<string, unknown>;

interface Started {
  readonly credentials: readonly { readonly url: string; readonly part_number: number }[];
}

async function create({ uri }: MltsServer, parts: number): Promise<Response> {
  return fetch(`${uri}${MPU}/create/x`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path: FILE, num_parts: parts }),
  });
}

const countKeys = (): number =>
  azure.requests.filter((request) => request.includes('comp=userdelegationkey')).length;

/** Of requests at signed addresses. */
const countSigned = (method: 'GET' | 'PUT'): number =>
  azure.requests.filter(
    (request) => request.startsWith(`${method} `) && request.includes('&skoid=machine&'),
  ).length;

/** By Python's client. */
async function sendTheirs({ uri }: MltsServer): Promise<Buffer> {
  const options = { cwd: rig.directory, env: clientEnv };
  const target = rig.path(randomUUID());
  return readFile(await askPython<string>(THEIRS, [uri, rig.path(FILE), target], options));
}

async function sendOurs({ uri }: MltsServer): Promise<Buffer> {
  const env = { ...rig.env, ...clientEnv, MLFLOW_TRACKING_URI: uri };
  const mlts = async (...args: string[]) => (await rig.mlts(args, { env })).stdout;
  const { run_id: run } = JSON.parse(await mlts('runs', 'create', '--experiment-id', '0'));
  await mlts('artifacts', 'log-artifact', '-r', run, '-l', rig.path(FILE));
  const target = rig.path(randomUUID());
  await mlts('artifacts', 'download', '-r', run, '-d', target);
  return readFile(`${target}/${FILE}`);
}

describe.each([
  { name: 'blobs', base: 'wasbs://lake@devstoreaccount1.blob.core.windows.net/kept' },
  { name: 'a data lake', base: 'abfss://lake@devstoreaccount1.dfs.core.windows.net/in%20lake' },
])('a login to $name', ({ base }) => {
  let server: MltsServer;
  const start = () => startMltsServer(['--artifacts-destination', base, '--access-log'], azure.env);
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  test('both clients send and fetch parts past the server; one key signs for all', async () => {
    expect((await sendOurs(server)).equals(CONTENT)).toBe(true);
    expect((await sendTheirs(server)).equals(CONTENT)).toBe(true);
    expect(countSigned('PUT')).toBe(6);
    expect(countSigned('GET')).toBe(1 + 3);
    expect(countKeys()).toBe(1);
    expect(server.said.stdout).not.toContain('"method":"PUT"');
    expect(server.said.stdout).not.toMatch(
      /"method":"GET","path":"[^"]*\/mlflow-artifacts\/artifacts\/./,
    );
  });

  test('addresses of files of runs: one key signs those of all runs; they end with it', async () => {
    await sendOurs(server);
    azure.requests.length = 0;
    const fresh = await start();
    try {
      const api = async (path: string, json: unknown): Promise<Response> =>
        fetch(`${fresh.uri}/api/2.0/mlflow/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(json),
        });
      const made = { name: randomUUID(), artifact_location: `${base}/runs` };
      const { experiment_id } = (await (await api('experiments/create', made)).json()) as Json;
      const ask = async (expiration: number): Promise<URL> => {
        const created = await api('runs/create', { experiment_id });
        const { run } = (await created.json()) as { run: { info: { run_id: string } } };
        const { run_id } = run.info;
        const put = `${fresh.uri}/api/2.0/mlflow-artifacts/artifacts/runs/${run_id}/artifacts/a`;
        expect((await fetch(put, { method: 'PUT', body: run_id })).status).toBe(200);
        const answer = await api('artifacts/presigned-download-url', {
          ...{ run_id, path: 'a', expiration },
        });
        const { presigned_url, file_size } = (await answer.json()) as Json;
        expect(file_size).toBe(run_id.length);
        expect(await azure.ask(String(presigned_url), 'GET')).toBe(200);
        return new URL(String(presigned_url));
      };
      const read = (url: URL, name: string): number => Date.parse(url.searchParams.get(name) ?? '');
      for (const url of [await ask(60), await ask(3_600)]) {
        expect(url.searchParams.get('sp')).toBe('r');
        expect(url.searchParams.get('rscd')).toBe('attachment; filename="a"');
        expect(read(url, 'ske')).toBeGreaterThan(read(url, 'se'));
      }
      expect(countKeys()).toBe(1);
      const longest = await ask(604_800);
      expect(read(longest, 'se')).toBe(read(longest, 'ske'));
      expect(read(longest, 'se')).toBeLessThanOrEqual(Date.now() + 604_800_000);
      expect(read(longest, 'se')).toBeGreaterThan(Date.now() + 6.9 * 86_400_000);
      await ask(604_800);
      await ask(60);
      expect(countKeys()).toBe(2);
    } finally {
      await fresh.stop();
    }
  });

  test('a download that is not there is 404; nobody is told that downloads are certain', async () => {
    const missing = `${server.uri}/api/2.0/mlflow-artifacts/presigned/none`;
    expect((await fetch(missing)).status).toBe(404);
    const info = await (await fetch(`${server.uri}/api/3.0/mlflow/server-info`)).json();
    expect(info).toMatchObject({
      multipart_uploads_enabled: true,
      multipart_downloads_enabled: false,
    });
  });

  test('an address is good for writing one file, for an hour, within the life of its key', async () => {
    const { credentials } = (await (await create(server, 2)).json()) as Started;
    const [first, second] = credentials.map(({ url }) => new URL(url));
    expect(first?.host).toBe(azure.host);
    expect(first?.pathname.endsWith(`/x/${encodeURIComponent(FILE)}`)).toBe(true);
    expect(first?.searchParams.get('blockid')).not.toBe(second?.searchParams.get('blockid'));
    const read = (name: string): string => first?.searchParams.get(name) ?? '';
    expect([read('sp'), read('sr'), read('skoid')]).toEqual(['w', 'b', 'machine']);
    const [st, se, skt, ske] = ['st', 'se', 'skt', 'ske'].map((name) => Date.parse(read(name)));
    expect(se).toBeGreaterThan(Date.now() + 3_500_000);
    expect(se).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect(st).toBeLessThan(Date.now() - 5 * 60_000);
    expect(skt).toBeLessThanOrEqual(st ?? 0);
    expect(ske).toBeGreaterThanOrEqual(se ?? 0);
    const other = new URL(first?.href ?? '');
    other.pathname += '2';
    expect(await azure.ask(other.href, 'PUT')).toBe(403);
    const blob = first?.href.replace(/comp=block&blockid=[^&]*&/, '') ?? '';
    expect(await azure.ask(blob, 'GET')).toBe(403);
    expect(await azure.ask(first?.href ?? '', 'PUT')).toBe(201);
  });

  test('who may not sign: files go through the server, which says so once; then the role is given', async () => {
    azure.refusal = { status: 403, code: 'AuthorizationPermissionMismatch' };
    const refused = await start();
    try {
      const answer = await create(refused, 1);
      expect([answer.status, await answer.json()]).toEqual([
        501,
        {
          error_code: 'NOT_IMPLEMENTED',
          message: expect.stringMatching(/^Multipart upload is not supported/),
        },
      ]);
      expect((await sendOurs(refused)).equals(CONTENT)).toBe(true);
      expect((await sendTheirs(refused)).equals(CONTENT)).toBe(true);
      expect(countKeys()).toBe(5);
      expect(refused.said.stdout.match(/"method":"PUT"/g)).toHaveLength(2);
      expect(
        refused.said.stderr.match(/^this login may not sign .*Storage Blob Delegator.*$/gm),
      ).toHaveLength(1);
      azure.refusal = undefined;
      expect((await create(refused, 1)).status).toBe(200);
    } finally {
      await refused.stop();
    }
  });

  test('many who ask at once share one key; one that could not be had is not kept', async () => {
    azure.refusal = { status: 400, code: 'InvalidInput' };
    const fresh = await start();
    try {
      const statuses = async (): Promise<readonly number[]> =>
        (await Promise.all(Array.from({ length: 8 }, () => create(fresh, 3)))).map(
          ({ status }) => status,
        );
      expect(new Set(await statuses())).toEqual(new Set([400]));
      const before = countKeys();
      azure.refusal = undefined;
      expect(new Set(await statuses())).toEqual(new Set([200]));
      expect(countKeys()).toBe(before + 1);
    } finally {
      await fresh.stop();
    }
  });
});

test.each([
  {
    base: 'abfss://lake@devstoreaccount1.dfs.core.windows.net/kept',
    held: { AZURE_STORAGE_SAS_TOKEN: 'sv=2026-10-06&sp=racwdl&sig=our-own' },
  },
  {
    base: 'wasbs://lake@devstoreaccount1.blob.core.windows.net/kept',
    held: {
      AZURE_STORAGE_CONNECTION_STRING:
        'BlobEndpoint=https://devstoreaccount1.blob.core.windows.net;SharedAccessSignature=sv=2026-10-06&sp=racwdl&sig=our-own',
    },
  },
])(
  'an address that another has signed for us is handed on to nobody: $base',
  async ({ base, held }) => {
    const server = await startMltsServer(['--artifacts-destination', base], {
      ...azure.env,
      ...held,
    });
    try {
      const answer = await create(server, 1);
      expect(answer.status).toBe(501);
      expect(await answer.text()).not.toContain('our-own');
      const info = await fetch(`${server.uri}/api/3.0/mlflow/server-info`);
      expect(await info.json()).toMatchObject({ multipart_uploads_enabled: false });
      expect(azure.requests).toEqual([]);
    } finally {
      await server.stop();
    }
  },
);
