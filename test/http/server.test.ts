import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startHttpServer } from '../../src/http/server.ts';

const startServer = (wait: (path: string) => Promise<void> = async () => {}) =>
  startHttpServer(
    async ({ path }) => {
      await wait(path);
      return { status: 200, body: `answer to ${path}` };
    },
    {
      host: '127.0.0.1',
      port: 0,
      mostBodyBytes: 1_000,
      answerError: () => ({ status: 500, body: '' }),
    },
  );

async function openConnection(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return {
    socket,
    async ask(path: string): Promise<string> {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      const [piece] = (await once(socket, 'data')) as [Buffer];
      return piece.toString();
    },
  };
}

test('who asks on a kept connection while the server stops is answered, and told that it was the last', async () => {
  const server = await startServer();
  const { socket, ask } = await openConnection(server.url);
  expect(await ask('/first')).toContain('answer to /first');
  const closed = server.close(60_000, 60_000);
  const answer = await ask('/second');
  expect(answer).toContain('answer to /second');
  expect(answer.toLowerCase()).toContain('connection: close');
  await once(socket, 'close');
  await closed;
});

test('a request under way is answered, and its connection does not keep the server', async () => {
  const [arrived, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const server = await startServer(() => {
    arrived.resolve();
    return answered.promise;
  });
  const { socket, ask } = await openConnection(server.url);
  const asked = ask('/slow');
  await arrived.promise;
  const closed = server.close(60_000, 10);
  answered.resolve();
  expect((await asked).toLowerCase()).toContain('connection: close');
  await once(socket, 'close');
  await closed;
});

test('a connection that nobody asks on does not keep the server', async () => {
  const server = await startServer();
  const { socket, ask } = await openConnection(server.url);
  await ask('/first');
  const ended = once(socket, 'close');
  await server.close(60_000, 10);
  await ended;
});
