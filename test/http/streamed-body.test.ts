import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type HttpHandler, type HttpServer, startHttpServer } from '../../src/http/server.ts';

let server: HttpServer;
afterEach(() => server?.close(0));

const SILENCE_MS = 1_000;

async function start(handler: HttpHandler): Promise<Socket> {
  server = await startHttpServer(handler, {
    host: '127.0.0.1',
    port: 0,
    mostBodyBytes: 1_000,
    silenceMs: SILENCE_MS,
    findRoute: () => ({ takesStream: true }),
    answerError: () => ({ status: 500, body: 'failed' }),
  });
  return connect(Number(new URL(server.url).port), '127.0.0.1');
}

const head = (bytes: number) =>
  `PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`;

async function readAnswer(socket: Socket): Promise<string> {
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString();
}

test('to take long with what a client has sent is no silence of the client', async () => {
  const socket = await start(async ({ stream }) => {
    let bytes = 0;
    for await (const piece of stream ?? []) {
      bytes += (piece as Buffer).length;
      // As the store behind it: slower than the client, and than the limit.
      if (bytes === (piece as Buffer).length) await sleep(3 * SILENCE_MS);
    }
    await sleep(2 * SILENCE_MS);
    return { status: 200, body: `${bytes} bytes` };
  });
  socket.write(head(500_000));
  socket.write(Buffer.alloc(500_000));
  expect(await readAnswer(socket)).toMatch(/^HTTP\/1\.1 200 OK.*500000 bytes$/s);
});

test('a client that is silent in the middle of a body is not waited for', async () => {
  const ends: unknown[] = [];
  const socket = await start(async ({ stream }) => {
    await stream?.toArray().catch((error: unknown) => ends.push(error));
    return { status: 200, body: '' };
  });
  socket.write(`${head(500_000)}a little`);
  await once(socket, 'close');
  await expect.poll(() => ends.length).toBe(1);
});

test('who is still sending gets the answer, and may ask again', async () => {
  const socket = await start(({ path }) => ({ status: 400, body: `no ${path}` }));
  const bytes = 20_000_000;
  socket.write(head(bytes));
  socket.write(Buffer.alloc(bytes));
  socket.write(head(2).replace('/a', '/b'));
  socket.end('ok');
  let answers = '';
  for await (const piece of socket) answers += String(piece);
  expect(answers.match(/no \/\w/g)).toEqual(['no /a', 'no /b']);
});
