import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FailingServer extends AsyncDisposable {
  /** Credentials included. */
  readonly uri: string;
  /** Method and path of all that was asked, in order. */
  readonly asked: readonly string[];
}

export const PASSWORD = 'hunter2-and-more';

/** A real server that answers every request the same way, as servers in trouble do. */
export async function startFailingServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<FailingServer> {
  const asked: string[] = [];
  const server = createServer({ keepAliveTimeout: 1 }, (request, response) => {
    asked.push(`${request.method} ${request.url?.replace(/\?.*/, '')}`);
    request.resume();
    request.on('end', () => answer(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    uri: `http://ann:${PASSWORD}@127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** MLflow's own form of an error. */
export function sendError(response: ServerResponse, status: number, code?: string): void {
  const body = code === undefined ? 'no' : JSON.stringify({ error_code: code, message: 'no' });
  const type = code === undefined ? 'text/plain' : 'application/json';
  response.writeHead(status, { 'content-type': type, 'retry-after': '0' });
  response.end(body);
}

/** The head of an answer and the first bytes of what it promises; then the connection is gone. */
export function breakOff(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"experiments": [');
  setTimeout(() => response.destroy(), 20);
}
