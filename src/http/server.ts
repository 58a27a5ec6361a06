import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { InvalidInput, MltsError } from '../core/errors.ts';

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly type?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: string | Buffer;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer> | HttpAnswer;

export interface HttpServerOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly mostBodyBytes: number;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** The answer to what the handler throws; it never throws itself. */
  answerError(error: unknown): HttpAnswer;
}

export interface HttpServer {
  /** `http://127.0.0.1:5000` */
  readonly url: string;
  /** Accepts no more connections and waits for the requests under way, at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** A client that has more to say than this takes is not waited for: 100 of them hold no more than sockets. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 75_000;

/** The body is larger than the server takes: 413. */
export class BodyTooLarge extends MltsError {
  override readonly name = 'BodyTooLarge';

  constructor(mostBytes: number) {
    super('INVALID_PARAMETER_VALUE', `the body is larger than ${mostBytes} bytes`);
  }
}

/**
 * Serves HTTP: each request is read whole, given to `handler` and answered.
 *
 * @throws InvalidInput where the address is taken or not ours.
 */
export async function startHttpServer(
  handler: HttpHandler,
  options: HttpServerOptions,
): Promise<HttpServer> {
  const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS };
  const settings = { ...timeouts, keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true };
  let isClosing = false;
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    if (isClosing) response.setHeader('connection', 'close');
    void answer(request, response, handler, options);
  };
  const { tls } = options;
  const server =
    tls === undefined
      ? createServer(settings, listener)
      : createTlsServer({ ...settings, ...tls }, listener);
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    close: (graceMs) => {
      isClosing = true;
      return closeServer(server, graceMs);
    },
  };
}

function listen(server: Server, { host, port }: HttpServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(explainListen(error, host, port)),
    );
    server.listen(port, host, () => resolve());
  });
}

function explainListen(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const where = `${host}:${port}`;
  const details = { cause: error };
  switch (error.code) {
    case 'EADDRINUSE':
      return new InvalidInput(`${where} is in use by another program`, {
        ...details,
        hint: 'choose another --port',
      });
    case 'EACCES':
      return new InvalidInput(`nobody but root may listen on ${where}`, {
        ...details,
        hint: 'choose a --port above 1023',
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new InvalidInput(`\`${host}\` is no address of this machine`, {
        ...details,
        hint: 'use --host 127.0.0.1, or 0.0.0.0 for all of its addresses',
      });
    default:
      return error;
  }
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cutting = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cutting);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handler: HttpHandler,
  { mostBodyBytes, answerError }: HttpServerOptions,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  let result: HttpAnswer;
  try {
    const body = await readBody(request, mostBodyBytes);
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    const { method = 'GET', headers } = request;
    result = await handler({ method, path, query, headers, body, signal: gone.signal });
  } catch (error) {
    result = answerError(error);
    // What is left of a body that is too large is not read to its end.
    if (error instanceof BodyTooLarge) response.setHeader('connection', 'close');
  }
  if (response.destroyed) return;
  const bytes =
    typeof result.body === 'string' ? Buffer.byteLength(result.body) : result.body.length;
  response.writeHead(result.status, {
    ...(result.type === undefined ? {} : { 'content-type': result.type }),
    'content-length': bytes,
    ...result.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : result.body);
}

const NOTHING = Buffer.alloc(0);

/** @throws BodyTooLarge; an error where the client goes half way. */
function readBody(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? Number.NaN);
  if (announced === 0) return Promise.resolve(NOTHING);
  if (announced > mostBytes) return Promise.reject(new BodyTooLarge(mostBytes));
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    request.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes <= mostBytes) pieces.push(piece);
      else reject(new BodyTooLarge(mostBytes));
    });
    request.once('end', () => {
      const [only] = pieces;
      resolve(pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces));
    });
    request.once('error', reject);
    request.once('close', () => reject(new Error('the client has gone')));
  });
}
