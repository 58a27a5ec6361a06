import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { uploadFile } from '../../src/artifacts/upload.ts';
import { createTestContext } from '../setup/context.ts';

interface Received {
  readonly url: string | undefined;
  readonly type: string | undefined;
  readonly authorization: string | undefined;
  readonly content: Buffer;
}

const content = randomBytes(300_000);
let folder: string;
let server: Server;
let uri: string;
let received: Received[];
let answer: (response: ServerResponse, count: number) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-upload-web-'));
  await writeFile(join(folder, 'a b.json'), content);
  received = [];
  server = createServer((request, response) => void receive(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url, headers } = request;
  const { 'content-type': type, authorization } = headers;
  received.push({ url, type, authorization, content: await buffer(request) });
  answer(response, received.length);
}

const context = () =>
  createTestContext({
    cwd: folder,
    env: { MLFLOW_TRACKING_TOKEN: 'secret', MLFLOW_HTTP_REQUEST_BACKOFF_JITTER: '0' },
  });
const target = (base: string, trackingUri = uri) => ({ base, folder: 'x/y', trackingUri });

test('a server that is busy is sent the whole file again', async () => {
  answer = (response, count) => response.writeHead(count === 1 ? 503 : 200).end('{}');
  await uploadFile('a b.json', target('mlflow-artifacts:/1/run/artifacts'), context());
  const url = '/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/x/y/a%20b.json';
  const whole = { url, type: 'application/json', authorization: 'Bearer secret' };
  expect(received.map(({ content: _, ...rest }) => rest)).toEqual([whole, whole]);
  expect(received.every((each) => each.content.equals(content))).toBe(true);
});

test('a refusal is told once, with what the server said', async () => {
  answer = (response) => {
    const error = { error_code: 'PERMISSION_DENIED', message: 'read only' };
    response.writeHead(403).end(JSON.stringify(error));
  };
  await expect(
    uploadFile('a b.json', target('mlflow-artifacts:/1'), context()),
  ).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    message: expect.stringContaining('read only'),
  });
  expect(received).toHaveLength(1);
});

test('an interrupt ends an upload that the server does not answer', async () => {
  const interrupted = context();
  answer = () => interrupted.interrupt('SIGINT');
  const upload = uploadFile('a b.json', target('mlflow-artifacts:/1'), interrupted);
  await expect(upload).rejects.toMatchObject({ name: 'Interrupted', signalName: 'SIGINT' });
});

test('a plain web address takes no uploads', async () => {
  const upload = uploadFile('a b.json', target(`${uri}/files`), context());
  await expect(upload).rejects.toThrow(/nothing can be uploaded to/);
  expect(received).toEqual([]);
});
