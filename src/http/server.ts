import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InvalidInput, MltsError } from '../core/errors.ts';

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingMessage['headers'];
  /** Empty where the body comes as a stream. */
  readonly body: Buffer;
  /** The body, where `HttpServerOptions.takesStream` asked for it so; nothing of it was read, and no limit holds. */
  readonly stream?: Readable | undefined;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Who asks, where a login was needed. */
  readonly caller?: Caller | undefined;
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
  /** Whether the handler reads the body of such a request by itself. Absent: never. */
  takesStream?(method: string, path: string): boolean;
  /** For so long nothing of a streamed body may come. Absent: two minutes. */
  readonly silenceMs?: number;
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
  // Node's limit for a whole request would cut a large file that takes long: `readRequest` has its own.
  const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0 };
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
  options: HttpServerOptions,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  let result: HttpAnswer;
  try {
    result = await handler(await readRequest(request, options, gone.signal));
  } catch (error) {
    result = options.answerError(error);
    // What is left of a body that is too large is not read to its end.
    if (error instanceof BodyTooLarge) response.setHeader('connection', 'close');
  }
  if (response.destroyed) {
    if (result.body instanceof Readable) result.body.destroy();
    return;
  }
  await send(result, request, response);
}

async function readRequest(
  request: IncomingMessage,
  { mostBodyBytes, takesStream, silenceMs = REQUEST_TIMEOUT_MS }: HttpServerOptions,
  signal: AbortSignal,
): Promise<HttpRequest> {
  const url = request.url ?? '/';
  const queryAt = url.indexOf('?');
  const path = queryAt === -1 ? url : url.slice(0, queryAt);
  const query = queryAt === -1 ? '' : url.slice(queryAt + 1);
  const { method = 'GET', headers } = request;
  const shared = { method, path, query, headers, signal };
  if (takesStream?.(method, path)) {
    limitSilence(request, silenceMs);
    return { ...shared, body: NOTHING, stream: request };
  }
  const limit = setTimeout(() => request.destroy(), REQUEST_TIMEOUT_MS);
  const body = await readBody(request, mostBodyBytes).finally(() => clearTimeout(limit));
  return { ...shared, body };
}

/** A body that nobody wants any more may go on for so long. */
const DROPPING_MS = 10_000;

/** Who is still sending would lose the answer with the connection: what comes is dropped. */
function dropRest(request: IncomingMessage): void {
  const timer = setTimeout(() => request.destroy(), DROPPING_MS);
  const stop = (): void => clearTimeout(timer);
  request.once('end', stop).once('close', stop).resume();
}

/** How often a client is looked at within the time that it may be silent. */
const LOOKS = 4;

/**
 * Ends a streamed body of which nothing comes any more. As long as something comes it may take as long as it likes;
 * how long we take with what has come does not count, and neither does what we do when all is there.
 */
function limitSilence(request: IncomingMessage, silenceMs: number): void {
  let [seen, silentLooks] = [-1, 0];
  const look = (): void => {
    const { bytesRead } = request.socket;
    const waitsForUs = request.readableLength > 0;
    silentLooks = waitsForUs || bytesRead !== seen ? 0 : silentLooks + 1;
    seen = bytesRead;
    if (silentLooks >= LOOKS) request.destroy();
  };
  const timer = setInterval(look, silenceMs / LOOKS);
  const stop = (): void => clearInterval(timer);
  request.once('end', stop).once('close', stop);
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
