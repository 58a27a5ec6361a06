import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunningServer } from './mlflow.ts';

export interface CountingProxy extends RunningServer {
  /** `GET /path?query` of all requests so far, in the order in which they came. */
  readonly requests: string[];
}

/**
 * Stands before a real HTTP server and writes down what it is asked for. `onAnswer` comes between: the server has answered
 * that request, and whoever asked has not heard of it.
 */
export async function startCountingProxy(
  target: string,
  onAnswer: (request: string) => Promise<void> = async () => {},
): Promise<CountingProxy> {
  const requests: string[] = [];
  const server = createServer((incoming, answer) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const asked = `${method} ${url}`;
    requests.push(asked);
    const pass = async (response: IncomingMessage): Promise<void> => {
      await onAnswer(asked);
      answer.writeHead(response.statusCode ?? 500, response.rawHeaders);
      response.pipe(answer);
    };
    const forwarded = request(new URL(url, target), { method, headers }, (response) => {
      pass(response).catch(() => answer.destroy());
    });
    forwarded.on('error', () => answer.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    uri: `http://127.0.0.1:${port}`,
    requests,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
