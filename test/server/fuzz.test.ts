import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type FuzzedRequest,
  fuzzRequests,
  type Ids,
  prepare,
  send,
} from '../setup/fuzzed-requests.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

let server: MltsServer;
let ids: Ids;
beforeAll(async () => {
  server = await startMltsServer(['--max-body', '1000000']);
  ids = await prepare(server.uri);
});
afterAll(() => server?.stop());

const COUNT = 3_000;
const SEED = 101;
const AT_ONCE = 16;

/** What is wrong with an answer; undefined: nothing. */
async function judge(request: FuzzedRequest, answer: Response): Promise<unknown> {
  const text = await answer.text();
  // The address is longer than any that is read.
  if (answer.status === 431) return undefined;
  const told = { request: { ...request, body: request.body?.toString().slice(0, 500) }, text };
  if (answer.headers.has('x-evil')) return { ...told, why: 'a header was injected' };
  if (/\n\s+at |Traceback|SQLITE|syntax error/.test(text))
    return { ...told, why: 'inner workings' };
  const { error_code: code } = JSON.parse(text) as { error_code?: string };
  if (answer.ok !== (code === undefined)) return { ...told, why: `${answer.status} with ${code}` };
  return answer.status >= 500
    ? { ...told, why: `${answer.status}: ${server.said.stderr.slice(-1_500)}` }
    : undefined;
}

test(`${COUNT} requests with something wrong in them: a clear answer to each, and nothing broken`, async () => {
  const wrongs: unknown[] = [];
  const requests = fuzzRequests(COUNT, SEED).values();
  const client = async (): Promise<void> => {
    for (const request of requests) {
      const wrong = await judge(request, await send(server.uri, request, ids));
      if (wrong !== undefined) wrongs.push(wrong);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  expect(wrongs).toEqual([]);
  expect(server.said.stderr).not.toMatch(/^\s+at /m);
  await expectWell();
}, 120_000);

async function expectWell(): Promise<void> {
  const answer = await fetch(`${server.uri}/api/2.0/mlflow/experiments/get?experiment_id=0`);
  expect(answer.status).toBe(200);
}

/** Sends bytes as they are, and returns what comes back until the server closes, or `closes` by ourselves. */
async function sendRaw(bytes: string | Buffer): Promise<string> {
  const socket = connect(Number(new URL(server.uri).port), '127.0.0.1');
  let text = '';
  socket.on('data', (piece: Buffer) => {
    text += piece.toString('latin1');
  });
  socket.on('error', () => {});
  socket.end(bytes);
  await once(socket, 'close');
  return text;
}

const JSON_POST =
  'POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const BODY = '{"experiment_id":"0"}';

test.each<readonly [name: string, bytes: string | Buffer, answer: RegExp]>([
  ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
  [
    'bytes',
    Buffer.from(Array.from({ length: 300 }, (_, index) => index % 256)),
    /^HTTP\/1\.1 400 /,
  ],
  [
    'two lengths',
    `${JSON_POST}Content-Length: 5\r\nContent-Length: 21\r\n\r\n${BODY}`,
    /^HTTP\/1\.1 400 /,
  ],
  [
    'a length and chunks',
    `${JSON_POST}Content-Length: 21\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}`,
    /^HTTP\/1\.1 400 /,
  ],
  [
    'a chunk that is none',
    `${JSON_POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    /^HTTP\/1\.1 400 /,
  ],
  ['headers without end', `${JSON_POST}X: ${'y'.repeat(70_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
  [
    'an announced body that is too large',
    `${JSON_POST}Content-Length: 99999999\r\n\r\n`,
    /^HTTP\/1\.1 413 /,
  ],
  [
    'a body that turns out too large',
    `${JSON_POST}Transfer-Encoding: chunked\r\n\r\n${`4000\r\n${'x'.repeat(0x4000)}\r\n`.repeat(70)}0\r\n\r\n`,
    /^HTTP\/1\.1 413 /,
  ],
  ['no Host', 'GET /api/2.0/mlflow/experiments/get HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
  [
    'two Hosts',
    'GET /api/2.0/mlflow/experiments/get?experiment_id=0 HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n',
    /^HTTP\/1\.1 (200|400|403) /,
  ],
  [
    'a path that is no text',
    'GET /api/2.0/mlflow/logged-models/%ff%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    /^HTTP\/1\.1 4\d\d /,
  ],
  ['half a body', `${JSON_POST}Content-Length: 21\r\n\r\n{"exp`, /^(HTTP\/1\.1 4|$)/],
])('on the wire: %s', async (_, bytes, answer) => {
  expect(await sendRaw(bytes)).toMatch(answer);
  await expectWell();
});

test('a request id that would be a header of its own is not given back', async () => {
  const answer = await sendRaw(
    'GET /health HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a\tb<script>\r\nConnection: close\r\n\r\n',
  );
  expect(answer).not.toContain('<script>');
});

test('clients that never end their headers or bodies keep nobody else waiting, and leave nothing', async () => {
  const port = Number(new URL(server.uri).port);
  const before = await countRuns();
  const slow = Array.from({ length: 300 }, (_, index) => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    const headers = `${JSON_POST}Content-Length: ${BODY.length}\r\n`;
    socket.write(index % 2 === 0 ? headers : `${headers}\r\n${BODY.slice(0, 7)}`);
    return socket;
  });
  await Promise.all(slow.map((socket) => once(socket, 'connect')));
  for (let count = 0; count < 20; count += 1) await expectWell();
  for (const socket of slow) socket.destroy();
  expect(await countRuns()).toBe(before);
});

async function countRuns(): Promise<number> {
  const answer = await fetch(`${server.uri}/api/2.0/mlflow/runs/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ experiment_ids: ['0'], run_view_type: 'ALL', max_results: 50_000 }),
  });
  return ((await answer.json()) as { runs?: readonly unknown[] }).runs?.length ?? 0;
}
