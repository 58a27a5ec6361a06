import type { HttpAnswer, HttpHandler, HttpRequest } from '../http/server.ts';
import type { Call, Endpoint } from './endpoint.ts';
import { answerError, answerUnknownEndpoint, answerWrongMethod } from './error-answer.ts';
import { type Match, Router } from './router.ts';

/**
 * Stands between a request that is understood and what it asks for: refuses by throwing, or looks at the
 * answer of `proceed` and changes it (what others own is left out of searches).
 */
export type Guard = (call: Call, proceed: Proceed) => Promise<HttpAnswer>;

/** Answers the call, or what the guard has made of its message. */
export type Proceed = (message?: Call['message']) => Promise<HttpAnswer>;

export interface ServerApp {
  /** The API, found below `/api` and `/ajax-api`. */
  readonly endpoints: readonly Endpoint[];
  /** What is at the root: `/health` and the like; `path` is the whole of it. */
  readonly pages: readonly Endpoint[];
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
  /** For `HttpServerOptions.takesStream`. */
  takesStream(method: string, path: string): boolean;
}

/** MLflow's tracking server without its sockets: a request comes in, an answer goes out, and nothing is thrown. */
export function createServerApp(app: ServerApp): CreatedApp {
  const router = fillRouter(app);
  return {
    takesStream: (method, path) => findEndpoint(router.find(path), method)?.takesStream ?? false,
    handle: async (request) => {
      try {
        const match = router.find(request.path);
        if (match === undefined) return answerUnknownEndpoint(request.path);
        const endpoint = findEndpoint(match, request.method);
        if (endpoint === undefined) return answerOther(match, request);
        const message = endpoint.read(request, match.pathValues);
        const call: Call = { rpc: endpoint.rpc, message, request };
        if (app.guard === undefined) return await endpoint.answer(call);
        return await app.guard(call, (changed = message) =>
          endpoint.answer({ ...call, message: changed }),
        );
      } catch (error) {
        const answer = answerError(error);
        if (answer.status === 500) app.onFault(error, request);
        return answer;
      }
    },
  };
}

function fillRouter({ endpoints, pages, files, prefix }: ServerApp): Router {
  const router = new Router();
  for (const page of [...pages, ...files]) router.add(`${prefix}${page.path}`, page);
  for (const endpoint of endpoints) {
    if (!endpoint.isForBrowsers) {
      router.add(`${prefix}/api/${endpoint.version}${endpoint.path}`, endpoint);
    }
    router.add(`${prefix}/ajax-api/${endpoint.version}${endpoint.path}`, endpoint);
  }
  return router;
}

/** Who may GET may ask for the head of it too. */
function findEndpoint(match: Match | undefined, method: string): Endpoint | undefined {
  return match?.endpoints.get(method === 'HEAD' ? 'GET' : method);
}

function answerOther({ endpoints }: Match, { method }: HttpRequest): HttpAnswer {
  const allowed = [...endpoints.keys(), ...(endpoints.has('GET') ? ['HEAD'] : []), 'OPTIONS'];
  if (method !== 'OPTIONS') return answerWrongMethod(method, allowed);
  return { status: 204, headers: { allow: allowed.join(', ') }, body: '' };
}
