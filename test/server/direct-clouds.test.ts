import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { type AzureServer, startAzureServer } from '../setup/azure.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { type S3Server, startS3Server } from '../setup/s3.ts';

const MPU = '/api/2.0/mlflow-artifacts/mpu';
/** S3 and Google take no smaller parts but the last. */
const PART_BYTES = 5 * 1024 * 1024;
const CONTENT = randomBytes(PART_BYTES + 1_000);

let rig: Rig;
beforeAll(() => {
  rig = createRig();
});
afterAll(() => rig?.[Symbol.asyncDispose]());

interface Started {
  readonly upload_id?: string;
  readonly credentials: readonly { readonly url: string; readonly part_number: number }[];
}

async function ask<T>({ uri }: MltsServer, path: string, json: unknown): Promise<T> {
  const answer = await fetch(`${uri}${MPU}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
  });
  return { ...((await answer.json()) as T), status: answer.status };
}

/** As MLflow's clients send: each part to its address, without credentials. */
async function sendParts({ credentials }: Started): Promise<readonly unknown[]> {
  return Promise.all(
    credentials.map(async ({ url, part_number }) => {
      const start = (part_number - 1) * PART_BYTES;
      const body = CONTENT.subarray(start, start + PART_BYTES);
      const { status, headers } = await fetch(url, { method: 'PUT', body });
      expect([200, 201]).toContain(status);
      return { part_number, etag: headers.get('etag') ?? '', url };
    }),
  );
}

describe('Azure blobs', () => {
  let azure: AzureServer;
  let server: MltsServer;
  beforeAll(async () => {
    azure = await startAzureServer();
    await azure.createContainer('lake');
    const base = `wasbs://lake@${azure.account}.blob.core.windows.net/kept`;
    server = await startMltsServer(['--artifacts-destination', base, '--access-log'], azure.env);
  });
  afterAll(async () => {
    await Promise.all([server?.stop(), azure?.stop()]);
  });

  test('parts of two uploads of the same file do not mix; the last that is finished is there', async () => {
    const file = { path: 'größe 1.bin' };
    const [first, second] = await Promise.all(
      [0, 1].map(() => ask<Started>(server, 'create/x', { ...file, num_parts: 2 })),
    );
    if (first === undefined || second === undefined) throw new Error('two were started');
    expect(Object.keys(first).sort()).toEqual(['credentials', 'status']);
    for (const { url } of second.credentials) await fetch(url, { method: 'PUT', body: 'other' });
    const parts = await sendParts(first);
    expect(await ask(server, 'complete/x', { ...file, upload_id: null, parts })).toEqual({
      status: 200,
    });
    const path = `/api/2.0/mlflow-artifacts/artifacts/x/${encodeURIComponent(file.path)}`;
    const stored = await fetch(`${server.uri}${path}`);
    expect(Buffer.from(await stored.arrayBuffer()).equals(CONTENT)).toBe(true);
    const signed = await fetch(`${server.uri}${path.replace('/artifacts/', '/presigned/')}`);
    const { url, file_size } = (await signed.json()) as { url: string; file_size: number };
    expect(file_size).toBe(CONTENT.length);
    const sent = await fetch(url);
    expect(Buffer.from(await sent.arrayBuffer()).equals(CONTENT)).toBe(true);
    expect(sent.headers.get('content-disposition')).toBe(
      "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe%201.bin",
    );
    const unfinished = second.credentials.map(({ url, part_number }) => ({ url, part_number }));
    expect(
      await ask(server, 'complete/x', {
        ...file,
        parts: unfinished.map(({ part_number }) => ({ part_number })),
      }),
    ).toMatchObject({ status: 400, error_code: 'INVALID_PARAMETER_VALUE' });
  });

  test('our own client sends past the server', async () => {
    await rig.write({ 'sent.bin': 'x'.repeat(3_000_000) });
    const env = {
      ...rig.env,
      MLFLOW_TRACKING_URI: server.uri,
      MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: 'true',
      MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: '2000000',
      MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE: '1000000',
    };
    const mlts = async (...args: string[]) => (await rig.mlts(args, { env })).stdout;
    const { run_id: run } = JSON.parse(await mlts('runs', 'create', '--experiment-id', '0'));
    await mlts('artifacts', 'log-artifact', '-r', run, '-l', rig.path('sent.bin'));
    await mlts('artifacts', 'download', '-r', run, '-d', rig.path('got'));
    expect(await readFile(rig.path('got/sent.bin'), 'utf8')).toBe('x'.repeat(3_000_000));
    expect(server.said.stdout).toContain(`/mpu/complete/0/${run}/artifacts`);
    expect(server.said.stdout).not.toContain('"method":"PUT"');
  });
});

/** Google's API for parts is S3's in all but signatures, which this S3 server does not look at. */
describe('Google Cloud Storage, its XML API by an S3 server', () => {
  let s3: S3Server;
  let server: MltsServer;
  beforeAll(async () => {
    s3 = await startS3Server();
    await s3.createBucket('lake');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const account = {
      type: 'service_account',
      client_email: 'ann@project.iam.gserviceaccount.com',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    };
    await rig.write({ 'account.json': JSON.stringify(account) });
    server = await startMltsServer(['--artifacts-destination', 'gs://lake/kept'], {
      STORAGE_EMULATOR_HOST: s3.uri,
      GOOGLE_APPLICATION_CREDENTIALS: rig.path('account.json'),
    });
  });
  afterAll(async () => {
    await Promise.all([server?.stop(), s3?.stop()]);
  });

  test('parts are joined, and what is given up is dropped', async () => {
    const file = { path: '/home/ann/größe & <1>.bin' };
    const started = await ask<Started>(server, 'create/x', { ...file, num_parts: 2 });
    for (const { url } of started.credentials) {
      const { searchParams } = new URL(url);
      expect(searchParams.get('X-Goog-Signature')).toMatch(/^[0-9a-f]{512}$/);
      expect(searchParams.get('X-Goog-Expires')).toBe('3600');
    }
    const { upload_id } = started;
    const parts = await sendParts(started);
    expect(await ask(server, 'complete/x', { ...file, upload_id, parts })).toEqual({ status: 200 });
    const { content } = await s3.get('lake', 'kept/x/größe & <1>.bin');
    expect(content.equals(CONTENT)).toBe(true);
    const dropped = await ask<Started>(server, 'create/x', { path: 'b', num_parts: 1 });
    expect(await s3.listUnfinished('lake')).toEqual(['kept/x/b']);
    const gone = { path: 'b', upload_id: dropped.upload_id };
    expect(await ask(server, 'abort/x', gone)).toEqual({ status: 200 });
    expect(await s3.listUnfinished('lake')).toEqual([]);
  });

  test('credentials that cannot sign: clients are told to send the file whole', async () => {
    const env = { STORAGE_EMULATOR_HOST: s3.uri };
    const unsigned = await startMltsServer(['--artifacts-destination', 'gs://lake/kept'], env);
    try {
      expect(await ask(unsigned, 'create/x', { path: 'a', num_parts: 1 })).toMatchObject({
        status: 501,
        error_code: 'NOT_IMPLEMENTED',
        message: expect.stringMatching(/^Multipart upload is not supported/),
      });
      expect(await s3.listUnfinished('lake')).toEqual([]);
    } finally {
      await unsigned.stop();
    }
  });
});
