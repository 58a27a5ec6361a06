import type { HttpAnswer, HttpHandler, HttpRequest } from '../http/server.ts';

/** What browsers are kept from (`mlflow/server/security.py`). */
export interface SecurityOptions {
  /** Names that a request may call this server by, with `*` for any text; undefined: this machine's and private networks'. */
  readonly allowedHosts: readonly string[] | undefined;
  /** Origins of other pages that may call; `*`: all. Those of this machine always may. */
  readonly allowedOrigins: readonly string[];
  /** SAMEORIGIN, DENY or NONE. */
  readonly frameOptions: string;
  readonly prefix: string;
}

const LOCAL_NAMES = ['localhost', '127.0.0.1', '[::1]', '0.0.0.0'];
const PRIVATE_HOSTS = [
  ...LOCAL_NAMES.flatMap((name) => [name, `${name}:*`]),
  '192.168.*',
  '10.*',
  ...Array.from({ length: 16 }, (_, index) => `172.${16 + index}.*`),
  'fc00:*',
  'fd00:*',
];
const LOCAL_ORIGIN = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
const LOCAL_PAGE = /^\w+:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/i;
const CHANGING: ReadonlySet<string> = new Set(['POST', 'PUT', 'DELETE', 'PATCH']);
const PREFLIGHT = 'access-control-request-method';

/** Refuses requests under foreign names (DNS rebinding) and from foreign pages, and adds what tells browsers so. */
export function protect(handler: HttpHandler, options: SecurityOptions): HttpHandler {
  const mayCallHost = remember(matcher(options.allowedHosts ?? PRIVATE_HOSTS));
  const mayCallFrom = remember(matcher(options.allowedOrigins));
  const open = new Set([`${options.prefix}/health`, `${options.prefix}/version`]);
  const own = listOwnHeaders(options.frameOptions);
  return async (request) => {
    const origin = request.headers.origin;
    const answer = refuse(request) ?? (await answerAllowed(request));
    return { ...answer, headers: { ...own, ...tellOrigin(origin), ...answer.headers } };
  };

  function refuse({ path, method, headers }: HttpRequest): HttpAnswer | undefined {
    if (!open.has(path) && !mayCallHost(headers.host ?? '')) {
      return forbid('the Host header names no host that this server answers for: --allowed-hosts');
    }
    const { origin } = headers;
    if (!origin || !CHANGING.has(method)) return undefined;
    if (LOCAL_PAGE.test(origin) || mayCallFrom(origin)) return undefined;
    return forbid('pages of another origin may not call this server: --cors-allowed-origins');
  }

  async function answerAllowed(request: HttpRequest): Promise<HttpAnswer> {
    const isPreflight = request.method === 'OPTIONS' && request.headers[PREFLIGHT] !== undefined;
    return isPreflight ? answerPreflight(request) : handler(request);
  }

  /**
   * A browser shows the answer only to pages that are named here; `*` is told without credentials. Answers to those
   * who name no origin say so too: a cache may hand them to a page.
   */
  function tellOrigin(origin: string | undefined): Readonly<Record<string, string>> {
    if (options.allowedOrigins.includes('*')) return { 'access-control-allow-origin': '*' };
    if (!origin || !(LOCAL_ORIGIN.test(origin) || mayCallFrom(origin))) return { vary: 'Origin' };
    return {
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
    };
  }
}

function listOwnHeaders(frameOptions: string): Readonly<Record<string, string>> {
  const frame = frameOptions.toUpperCase();
  return {
    'x-content-type-options': 'nosniff',
    ...(frame === '' || frame === 'NONE' ? {} : { 'x-frame-options': frame }),
  };
}

function forbid(why: string): HttpAnswer {
  return { status: 403, type: 'text/plain; charset=utf-8', body: why };
}

function answerPreflight({ headers }: HttpRequest): HttpAnswer {
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': 'DELETE, GET, OPTIONS, PATCH, POST, PUT',
      'access-control-allow-headers':
        headers['access-control-request-headers'] ?? 'content-type, authorization',
    },
    body: '',
  };
}

function quoteForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Whether a text is one of `patterns`, in which `*` stands for any text. */
function matcher(patterns: readonly string[]): (text: string) => boolean {
  const plain = new Set(patterns);
  if (plain.has('*')) return () => true;
  const wild = patterns
    .filter((pattern) => pattern.includes('*'))
    .map((pattern) => new RegExp(`^${pattern.split('*').map(quoteForPattern).join('.*')}$`, 's'));
  return (text) => plain.has(text) || wild.some((pattern) => pattern.test(text));
}

const MOST_REMEMBERED = 1_000;

/** Clients send the same text with every request. */
function remember(work: (text: string) => boolean): (text: string) => boolean {
  const known = new Map<string, boolean>();
  return (text) => {
    const old = known.get(text);
    if (old !== undefined) return old;
    const found = work(text);
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(text, found);
    return found;
  };
}
