import type { IncomingMessage, ServerResponse } from 'node:http';
import { MltsError } from '../core/errors.ts';
import type { HttpRequest, HttpServerOptions } from './server.ts';
import { limitSilence } from './streamed-body.ts';

/** As long as a body takes at most; of a streamed one, as long as nothing comes. */
const REQUEST_TIMEOUT_MS = 120_000;

const NOTHING = Buffer.alloc(0);

/** The body is larger than the server takes: 413. */
export class BodyTooLarge extends MltsError {
  override readonly name = 'BodyTooLarge';

  constructor(mostBytes: number) {
    super('INVALID_PARAMETER_VALUE', `the body is larger than ${mostBytes} bytes`);
  }
}

/**
 * Reads a request whole, or all but the body that its handler reads.
 *
 * @throws BodyTooLarge; an error where the client goes half way.
 */
export async function readRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { mostBodyBytes, findRoute, silenceMs = REQUEST_TIMEOUT_MS }: HttpServerOptions,
): Promise<HttpRequest> {
  const { method = 'GET', headers, url = '/' } = request;
  const queryAt = url.indexOf('?');
  const path = queryAt === -1 ? url : url.slice(0, queryAt);
  const query = queryAt === -1 ? '' : url.slice(queryAt + 1);
  const route = findRoute?.(method, path);
  const read = { method, path, query, headers, route };
  if (route?.takesStream) {
    limitSilence(request, silenceMs);
    return withSignal({ ...read, body: NOTHING, stream: request }, response);
  }
  return withSignal({ ...read, body: await readBody(request, mostBodyBytes) }, response);
}

/** Few handlers ask for the signal: it is made for those only. */
function withSignal(request: Omit<HttpRequest, 'signal'>, response: ServerResponse): HttpRequest {
  let gone: AbortController | undefined;
  return {
    ...request,
    get signal() {
      gone ??= watchClient(response);
      return gone.signal;
    },
  };
}

function watchClient(response: ServerResponse): AbortController {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  else response.once('close', () => response.writableFinished || gone.abort());
  return gone;
}

function readBody(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? Number.NaN);
  if (announced === 0) return Promise.resolve(NOTHING);
  if (announced > mostBytes) return Promise.reject(new BodyTooLarge(mostBytes));
  const limit = setTimeout(() => request.destroy(), REQUEST_TIMEOUT_MS);
  return new Promise<Buffer>((resolve, reject) => {
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
    request.once('close', () => {
      // An error is costly to make, and after the end nobody hears of it.
      if (!request.complete) reject(new Error('the client has gone'));
    });
  }).finally(() => clearTimeout(limit));
}
