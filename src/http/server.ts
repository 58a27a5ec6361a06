import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InvalidInput } from '../core/errors.ts';
import { BodyTooLarge, readRequest } from './incoming.ts';
import { dropRest } from './streamed-body.ts';

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingMessage['headers'];
  /** Empty where the body comes as a stream. */
  readonly body: Buffer;
  /** What `HttpServerOptions.findRoute` has found for it. */
  readonly route?: HttpRoute | undefined;
  /** The body, where the route takes it so; nothing of it was read, and no limit holds. */
  readonly stream?: Readable | undefined;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Who asks, where a login was needed. */
  readonly caller?: Caller | undefined;
}

/** What is known of a request by its method and path. */
export interface HttpRoute {
  /** Whether the handler reads the body by itself. */
  readonly takesStream: boolean;
}

/** A user who has shown a password or a token. */
export interface Caller {
  readonly id: number;
  readonly name: string;
  /** Who may do everything. */
  readonly isAdmin: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly type?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A stream is sent as it comes; where it fails half way the connection is cut. */
  readonly body: string | Buffer | Readable;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer> | HttpAnswer;

export interface HttpServerOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly mostBodyBytes: number;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Asked before the body is read. Absent: all bodies are read whole. */
  findRoute?(method: string, path: string): HttpRoute | undefined;
  /** For so long nothing of a streamed body may come. Absent: two minutes. */
  readonly silenceMs?: number;
  /** The answer to what the handler throws; it never throws itself. */
  answerError(error: unknown): HttpAnswer;
}

export interface HttpServer {
  /** `http://127.0.0.1:5000` */
  readonly url: string;
  /**
   * Accepts no more connections and waits for the requests under way, at most `graceMs`. A client that has kept its
   * connection may be asking at this moment: for `lingerMs` it is answered, and told that it was the last time.
   */
  close(graceMs: number, lingerMs?: number): Promise<void>;
}

/** A client that has more to say than this takes is not waited for: 100 of them hold no more than sockets. */
const HEADERS_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 75_000;
const LINGER_MS = 250;
/** Filters stand in the address of a GET; Python's servers take as much. */
const MOST_HEADER_BYTES = 65_536;

/**
 * Serves HTTP: each request is read whole, given to `handler` and answered.
 *
 * @throws InvalidInput where the address is taken or not ours.
 */
export async function startHttpServer(
  handler: HttpHandler,
  options: HttpServerOptions,
): Promise<HttpServer> {
  // Node's limit for a whole request would cut a large file that takes long: `incoming.ts` has its own.
  const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0 };
  const limits = { keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: MOST_HEADER_BYTES };
  const settings = { ...timeouts, ...limits, noDelay: true };
  const served = { ...options, isStopping: () => !server.listening };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void answer(request, response, handler, served);
  };
  const { tls } = options;
  // An `import` of node:http evaluates each of its exports, and with them Node's whole fetch: half of what a start takes.
  const server =
    tls === undefined
      ? process.getBuiltinModule('node:http').createServer(settings, listener)
      : process.getBuiltinModule('node:https').createServer({ ...settings, ...tls }, listener);
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    close: (graceMs, lingerMs = LINGER_MS) => closeServer(server, graceMs, lingerMs),
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

async function closeServer(server: Server, graceMs: number, lingerMs: number): Promise<void> {
  // `close` of an HTTP server would cut such connections at once.
  const closed = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server, () => resolve());
  });
  const leaving = setTimeout(() => server.close(), Math.min(lingerMs, graceMs));
  const cutting = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(leaving);
  clearTimeout(cutting);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handler: HttpHandler,
  options: HttpServerOptions & { isStopping(): boolean },
): Promise<void> {
  let result: HttpAnswer;
  try {
    result = await handler(await readRequest(request, response, options));
  } catch (error) {
    result = options.answerError(error);
    // What is left of a body that is too large is not read to its end.
    if (error instanceof BodyTooLarge) response.setHeader('connection', 'close');
  }
  if (response.destroyed) {
    if (result.body instanceof Readable) result.body.destroy();
    return;
  }
  if (options.isStopping()) response.setHeader('connection', 'close');
  await send(result, request, response);
}

async function send(
  { status, type, headers, body }: HttpAnswer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!request.complete) dropRest(request);
  response.writeHead(status, {
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(body instanceof Readable ? {} : { 'content-length': countBytes(body) }),
    ...headers,
  });
  if (!(body instanceof Readable)) {
    response.end(request.method === 'HEAD' ? undefined : body);
  } else if (request.method === 'HEAD') {
    body.destroy();
    response.end();
  } else {
    // The client has gone, or the stream failed: either way there is nobody left to tell but the log.
    await pipeline(body, response).catch(() => {});
  }
}

function countBytes(body: string | Buffer): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length;
}
