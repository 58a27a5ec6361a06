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

const countSigned = (): number =>
  azure.requests.filter((request) => /^PUT .*comp=block&.*[?&]skoid=machine&/.test(request)).length;

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

  test('both clients send parts past the server; one key signs for all', async () => {
    expect((await sendOurs(server)).equals(CONTENT)).toBe(true);
    expect((await sendTheirs(server)).equals(CONTENT)).toBe(true);
    expect(countSigned()).toBe(6);
    expect(countKeys()).toBe(1);
    expect(server.said.stdout).not.toContain('"method":"PUT"');
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
      expect(countKeys()).toBe(3);
      expect(refused.said.stdout.match(/"method":"PUT"/g)).toHaveLength(2);
      expect(refused.said.stderr.match(/^.*Storage Blob Delegator.*$/gm)).toHaveLength(1);
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
