import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDigest } from '../../src/artifacts/checksum.ts';
import { uploadFile } from '../../src/artifacts/upload.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';

/**
 * Google's protocol for uploads that go on where they broke off, as Google documents it: the emulator takes the
 * question how much has come for the end of the upload.
 */
const content = randomBytes(20_000_001);
let server: Server;
let folder: string;
let context: TestContext;
let received: Buffer;
let sessions: number;
let requests: string[];
/** What is done to the next requests with content, one each. */
let faults: ('cut' | 'forget')[];

beforeEach(async () => {
  [received, sessions, requests, faults] = [Buffer.alloc(0), 0, [], []];
  server = createServer((request, response) => {
    handle(request).then(
      ({ status, headers = {}, body = '' }) => response.writeHead(status, headers).end(body),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'mlts-gcs-'));
  await writeFile(join(folder, 'big.bin'), content);
  context = createContext({});
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const createContext = (env: Record<string, string>): TestContext =>
  createTestContext({ cwd: folder, env: { STORAGE_EMULATOR_HOST: address(), ...env } });
const upload = (): Promise<unknown> =>
  uploadFile('big.bin', { base: 'gs://lake/x', folder: '', trackingUri: '' }, context);

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function handle(request: IncomingMessage): Promise<Answer> {
  const { method, headers } = request;
  const range = headers['content-range'] ?? '';
  requests.push(`${method} ${range}`);
  if (method === 'POST') {
    request.resume();
    sessions += 1;
    received = Buffer.alloc(0);
    return { status: 200, headers: { location: `${address()}/session/${sessions}` } };
  }
  if (request.url !== `/session/${sessions}`) return { status: 404 };
  if (range !== 'bytes */*') await receive(request, Number(/^bytes (\d+)-/.exec(range)?.[1]));
  const total = Number(/\/(\d+)$/.exec(range)?.[1] ?? content.length);
  if (received.length < total) return { status: 308, headers: describeReceived() };
  return { status: 200, headers: { 'content-type': 'application/json' }, body: await describe() };
}

async function receive(request: IncomingMessage, from: number): Promise<void> {
  const fault = faults.shift();
  const chunks = [received.subarray(0, from)];
  let arrived = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      arrived += chunk.length;
      if (fault !== undefined && arrived > 5_000_000) throw new Error('the connection breaks');
    }
  } finally {
    received = Buffer.concat(chunks);
    if (fault === 'forget') sessions += 1;
  }
}

function describeReceived(): Record<string, string> {
  return received.length === 0 ? {} : { range: `bytes=0-${received.length - 1}` };
}

async function describe(): Promise<string> {
  const crc32c = await createDigest('crc32c');
  crc32c.update(received);
  const md5Hash = createHash('md5').update(received).digest('base64');
  const size = String(received.length);
  return JSON.stringify({ name: 'x/big.bin', size, md5Hash, crc32c: await crc32c.finish() });
}

test('an upload that is cut off goes on where it was', async () => {
  faults = ['cut', 'cut'];
  await upload();
  expect(received.equals(content)).toBe(true);
  expect(sessions).toBe(1);
  expect(requests.filter((line) => line === 'PUT bytes */*').length).toBe(2);
  expect(requests.at(-1)).toMatch(/^PUT bytes [1-9]\d{6,}-/);
  expect(context.said.stderr).toMatch(
    /retry 1 of 5: gs:\/\/lake\/x\/big\.bin: .*\n.*retry 2 of 5/s,
  );
});

test('an upload that the server has lost starts anew', async () => {
  faults = ['forget'];
  await upload();
  expect(received.equals(content)).toBe(true);
  expect(context.said.stderr).toContain('the server has lost the upload');
});

test('MLFLOW_GCS_UPLOAD_CHUNK_SIZE sends it in parts of this size', async () => {
  context = createContext({ MLFLOW_GCS_UPLOAD_CHUNK_SIZE: String(8 * 1024 * 1024) });
  await upload();
  expect(received.equals(content)).toBe(true);
  expect(requests.filter((line) => /^PUT bytes \d/.test(line))).toEqual([
    'PUT bytes 0-8388607/*',
    'PUT bytes 8388608-16777215/*',
    'PUT bytes 16777216-20000000/20000001',
  ]);
});

test.each([
  { env: { MLFLOW_GCS_UPLOAD_CHUNK_SIZE: '1000' }, says: /must be a multiple of 262144/ },
  { env: { MLFLOW_GCS_UPLOAD_CHUNK_SIZE: 'much' }, says: /must be a number/ },
  { env: { GOOGLE_APPLICATION_CREDENTIALS: '/none.json' }, says: /`\/none\.json`, which does not/ },
])('$env: $says', async ({ env, says }) => {
  context = createContext(env);
  await expect(upload()).rejects.toThrow(says);
  expect(requests).toEqual([]);
});
