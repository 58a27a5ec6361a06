import type { HttpAnswer, HttpHandler, HttpRequest, HttpRoute } from '../http/server.ts';
import { type Answer, type Call, type Endpoint, toHttpAnswer } from './endpoint.ts';
import { answerError, answerUnknownEndpoint, answerWrongMethod } from './error-answer.ts';
import { type Match, Router } from './router.ts';

/**
 * Stands between a request that is understood and what it asks for: refuses by throwing, or looks at the
 * answer of `proceed` and changes it (what others own is left out of searches).
 */
export type Guard = (call: Call, proceed: Proceed) => Promise<Answer>;

/** Answers the call, or what the guard has made of its message. */
export type Proceed = (message?: Call['message']) => Promise<Answer>;

export interface ServerApp {
  /** The API, found below `/api` and `/ajax-api`. */
  readonly endpoints: readonly Endpoint[];
  /** What is at the root: `/health` and the like; `path` is the whole of it. */
  readonly pages: readonly Endpoint[];
  /** Pages without the prefix. */
  readonly rootPages?: readonly Endpoint[];
  /** Guarded as the API is, and at the root too: `/get-artifact` and the like. */
  readonly files: readonly Endpoint[];
  /** Before all paths, such as `/mlflow`; empty: nothing. */
  readonly prefix: string;
  /** Of the API and the pages. Undefined: everybody may do everything. */
  readonly guard?: Guard | undefined;
  /** Told of what is our own fault. */
  onFault(error: unknown, request: HttpRequest): void;
}

export interface CreatedApp {
  readonly handle: HttpHandler;
  /** For `HttpServerOptions`. */
  findRoute(method: string, path: string): HttpRoute | undefined;
}

/** Nobody gets it: for the log, as nginx tells of clients that did not wait. */
const GONE: HttpAnswer = { status: 499, body: '' };

/** MLflow's tracking server without its sockets: a request comes in, an answer goes out, and nothing is thrown. */
export function createServerApp(app: ServerApp): CreatedApp {
  const router = fillRouter(app);
  const findRoute = (method: string, path: string): Route | undefined => {
    const match = router.find(path);
    return match && new Route(match, method);
  };
  return {
    findRoute,
    handle: async (request) => {
      try {
        const known = request.route instanceof Route ? request.route : undefined;
        return await answer(known ?? findRoute(request.method, request.path), request, app.guard);
      } catch (error) {
        if (request.signal.aborted) return GONE;
        const told = answerError(error);
        if (told.status === 500) app.onFault(error, request);
        return told;
      }
    },
  };
}

/** Where a request leads to. */
class Route implements HttpRoute {
  readonly match: Match;
  /** Undefined where no such method is possible. */
  readonly endpoint: Endpoint | undefined;

  constructor(match: Match, method: string) {
    this.match = match;
    // Who may GET may ask for the head of it too.
    this.endpoint = match.endpoints.get(method === 'HEAD' ? 'GET' : method);
  }

  get takesStream(): boolean {
    return this.endpoint?.takesStream ?? false;
  }
}

async function answer(
  route: Route | undefined,
  request: HttpRequest,
  guard: Guard | undefined,
): Promise<HttpAnswer> {
  if (route === undefined) return answerUnknownEndpoint(request.path);
  const { endpoint, match } = route;
  if (endpoint === undefined) return answerOther(match, request);
  const message = endpoint.read(request, match.pathValues);
  const call: Call = { rpc: endpoint.rpc, message, request };
  if (guard === undefined) return toHttpAnswer(await endpoint.answer(call));
  return toHttpAnswer(
    await guard(call, (changed = message) => endpoint.answer({ ...call, message: changed })),
  );
}

function fillRouter({ endpoints, pages, rootPages = [], files, prefix }: ServerApp): Router {
  const router = new Router();
  for (const page of rootPages) router.add(page.path, page);
  for (const page of [...pages, ...files]) router.add(`${prefix}${page.path}`, page);
  for (const endpoint of endpoints) {
    if (!endpoint.isForBrowsers) {
      router.add(`${prefix}/api/${endpoint.version}${endpoint.path}`, endpoint);
    }
    router.add(`${prefix}/ajax-api/${endpoint.version}${endpoint.path}`, endpoint);
  }
  return router;
}

function answerOther({ endpoints }: Match, { method }: HttpRequest): HttpAnswer {
  const allowed = [...endpoints.keys(), ...(endpoints.has('GET') ? ['HEAD'] : []), 'OPTIONS'];
  if (method !== 'OPTIONS') return answerWrongMethod(method, allowed);
  return { status: 204, headers: { allow: allowed.join(', ') }, body: '' };
}
