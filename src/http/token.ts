import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpHandler, HttpRequest } from './server.ts';

/** Lets a request pass only with `Authorization: Bearer <token>`; paths in `open` need none. */
export function requireToken(
  handler: HttpHandler,
  token: string,
  open: ReadonlySet<string>,
): HttpHandler {
  return (request) => {
    if (open.has(request.path) || hasToken(request, token)) return handler(request);
    return {
      status: 401,
      type: 'application/json',
      headers: { 'www-authenticate': 'Bearer' },
      body: '{"error_code":"UNAUTHENTICATED","message":"a bearer token is needed"}',
    };
  };
}

/** Digests are compared, in constant time: how long it takes tells nothing of the token. */
function hasToken({ headers }: HttpRequest, token: string): boolean {
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
