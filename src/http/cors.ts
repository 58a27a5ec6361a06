import type { HttpAnswer, HttpHandler, HttpRequest } from './server.ts';

/**
 * Lets pages of other origins read the answers (https://fetch.spec.whatwg.org/#http-cors-protocol).
 * `origins`: such as `https://app.example`, or `*`.
 */
export function allowOrigins(handler: HttpHandler, origins: readonly string[]): HttpHandler {
  return async (request) => {
    const origin = chooseOrigin(request, origins);
    if (origin === undefined) return handler(request);
    if (isPreflight(request)) return answerPreflight(request, origin);
    const answer = await handler(request);
    return { ...answer, headers: { ...answer.headers, ...tellOrigin(origin) } };
  };
}

function chooseOrigin({ headers }: HttpRequest, origins: readonly string[]): string | undefined {
  const { origin } = headers;
  if (origin === undefined) return undefined;
  return origins.find((allowed) => allowed === '*' || allowed === origin);
}

function isPreflight({ method, headers }: HttpRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

const PREFLIGHT_SECONDS = 600;

function answerPreflight({ headers }: HttpRequest, origin: string): HttpAnswer {
  return {
    status: 204,
    headers: {
      ...tellOrigin(origin),
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers':
        headers['access-control-request-headers'] ?? 'content-type, authorization',
      'access-control-max-age': String(PREFLIGHT_SECONDS),
    },
    body: '',
  };
}

/** Caches must not hand one origin the answer to another. */
function tellOrigin(origin: string): Readonly<Record<string, string>> {
  return {
    'access-control-allow-origin': origin,
    ...(origin === '*' ? {} : { vary: 'Origin' }),
  };
}
