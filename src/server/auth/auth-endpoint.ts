import { InvalidInput } from '../../core/errors.ts';
import type { Caller, HttpAnswer, HttpRequest } from '../../http/server.ts';
import type { Call, Endpoint, Wire } from '../endpoint.ts';
import { callerOf } from './guard.ts';

export type Params = Call['message'];

export interface AuthEndpoint {
  readonly rpc: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly version?: '2.0' | '3.0';
  handle(params: Params, caller: Caller, request: HttpRequest): Promise<Wire | HttpAnswer>;
}

/** One address of the API for users and roles: JSON without a message behind it. */
export function authEndpoint(declared: AuthEndpoint): Endpoint {
  return {
    rpc: declared.rpc,
    method: declared.method,
    path: declared.path,
    version: declared.version ?? '2.0',
    isForBrowsers: false,
    takesStream: false,
    read: readParams,
    answer: async ({ message, request }) => {
      const answer = await declared.handle(message, callerOf(request), request);
      return isAnswer(answer) ? answer : { message: answer };
    },
  };
}

function isAnswer(answer: Wire | HttpAnswer): answer is HttpAnswer {
  return typeof answer.status === 'number';
}

/** The query of a GET, and of a DELETE without JSON, else the body (`_get_request_param`). */
function readParams(request: HttpRequest): Params {
  const { method, query, body } = request;
  const isQuery =
    method === 'GET' || method === 'HEAD' || (method === 'DELETE' && !isJson(request));
  if (isQuery) return Object.fromEntries([...new URLSearchParams(query)].reverse());
  if (!isJson(request)) return {};
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Params)
      : {};
  } catch {
    return {};
  }
}

export function isJson({ headers }: HttpRequest): boolean {
  return /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(headers['content-type'] ?? '');
}

/** @throws InvalidInput where it was not sent. */
export function requireParam(params: Params, name: string): unknown {
  if (Object.hasOwn(params, name)) return params[name];
  throw new InvalidInput(`\`${name}\` is missing`);
}

/** @throws InvalidInput for what is no text. */
export function requireText(params: Params, name: string): string {
  const value = requireParam(params, name);
  if (typeof value === 'string' && value.isWellFormed() && !value.includes('\0')) return value;
  throw new InvalidInput(`\`${name}\` must be a text`);
}

/** @throws InvalidInput for what Python's int() does not read, and for what no id can be. */
export function requireId(params: Params, name: string): number {
  const value = requireParam(params, name);
  const number =
    typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Math.abs(number) < 2 ** 31) return Math.trunc(number);
  throw new InvalidInput(`\`${name}\` must be a whole number`);
}
