import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface GitServer {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  /** Lines of `METHOD path user`, in the order of arrival. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

/**
 * Git's own smart HTTP backend behind Basic authentication, over the bare repositories in `root`.
 * `stall` makes the server begin to answer a fetch and then say nothing more.
 */
export async function startGitServer(
  root: string,
  { user, password, stall }: { user: string; password: string; stall?: () => boolean },
): Promise<GitServer> {
  const requests: string[] = [];
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === wanted;
    requests.push(`${request.method} ${request.url} ${isKnown ? user : '-'}`);
    if (!isKnown) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    } else if (stall?.() && request.method === 'POST') {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
      response.write('0008NAK\n');
    } else {
      answer(request, response, root);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, root: string): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      REMOTE_USER: 'tester',
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers['content-type'],
    },
  });
  request.pipe(backend.stdin);
  let head = Buffer.alloc(0);
  backend.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    writeHead(response, head.subarray(0, end).toString());
    response.write(head.subarray(end + 4));
  });
  backend.stdout.on('end', () => response.end());
}

function writeHead(response: ServerResponse, text: string): void {
  const headers = text.split('\r\n').map((line) => /^([^:]+): (.*)$/.exec(line) ?? []);
  const status = headers.find(([, name]) => name === 'Status')?.[2] ?? '200';
  for (const [, name, value] of headers) {
    if (name !== undefined && value !== undefined && name !== 'Status') {
      response.setHeader(name, value);
    }
  }
  response.writeHead(Number.parseInt(status, 10));
}
