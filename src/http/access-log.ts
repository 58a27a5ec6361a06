import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { HttpAnswer, HttpHandler, HttpRequest } from './server.ts';

/** One request, as it is logged: a JSON line that any collector of logs reads. */
export interface AccessEntry {
  readonly time: string;
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;

/**
 * Tells of every request when it is answered. Its id is the one that came with it (`X-Request-Id`), else a
 * new one; it goes back with the answer.
 */
export function logAccess(
  handler: HttpHandler,
  log: (entry: AccessEntry) => void,
  now: () => number,
): HttpHandler {
  return async (request) => {
    const startedAtMs = now();
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    const answer = await handler(request);
    const tell = (): void =>
      log({
        time: new Date(startedAtMs).toISOString(),
        requestId,
        method: request.method,
        path: request.path,
        status: answer.status,
        durationMs: now() - startedAtMs,
        requestBytes: countRequestBytes(request),
        responseBytes: countAnswerBytes(answer),
      });
    if (answer.body instanceof Readable) answer.body.once('close', tell);
    else tell();
    return { ...answer, headers: { ...answer.headers, 'x-request-id': requestId } };
  };
}

/** Of a stream, what was announced: it is not looked at on its way. */
function countRequestBytes({ body, stream, headers }: HttpRequest): number {
  return stream === undefined ? body.length : Number(headers['content-length'] ?? 0);
}

function countAnswerBytes({ body, headers }: HttpAnswer): number {
  if (body instanceof Readable) return Number(headers?.['content-length'] ?? 0);
  return Buffer.byteLength(body);
}
