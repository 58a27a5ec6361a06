import type { HttpAnswer, HttpRequest } from '../http/server.ts';
import { type Checks, checkRequest, compileChecks } from './checks.ts';
import { compileDecoder, type Fields, type Message, message } from './message.ts';
import { readRequestJson } from './request-json.ts';

/** One answer of the API: it becomes JSON. */
export type Wire = Readonly<Record<string, unknown>>;

/** One request, understood: which rpc of MLflow's, and what it says. */
export interface Call {
  /** As in MLflow's protobuf files, such as `createRun`. */
  readonly rpc: string;
  readonly message: Readonly<Record<string, unknown>>;
  readonly request: HttpRequest;
}

/** A message is made JSON when all who may change it have seen it; all else is sent as it is. */
export type Answer = HttpAnswer | { readonly message: Wire };

/** What one path of the API does. A `{name}` in `path` stands for one part of it. */
export interface Endpoint {
  readonly rpc: string;
  readonly method: string;
  /** After `/api/2.0` and `/ajax-api/2.0`. */
  readonly path: string;
  readonly version: '2.0' | '3.0';
  /** Whether it is below `/ajax-api` only. */
  readonly isForBrowsers: boolean;
  /** Whether the body is handed over as a stream, and not read before. */
  readonly takesStream: boolean;
  /** @throws InvalidInput for what MLflow refuses before it looks into its stores. */
  read(request: HttpRequest, pathValues: PathValues): Call['message'];
  answer(call: Call): Promise<Answer>;
}

export type PathValues = Readonly<Record<string, string>>;

/** An rpc of MLflow's as a route declares it. */
export interface Rpc<F extends Fields> {
  readonly rpc: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT';
  readonly path: string;
  readonly version?: '2.0' | '3.0';
  readonly isForBrowsers?: boolean;
  readonly fields: F;
  readonly checks?: Checks<Extract<keyof F, string>>;
  handle(message: Message<F>, request: HttpRequest): Promise<Wire>;
}

const JSON_TYPE = 'application/json';

/** Makes an endpoint of an rpc; all that can be worked out beforehand is worked out here. */
export function rpc<const F extends Fields>(declared: Rpc<F>): Endpoint {
  const decode = compileDecoder(message(declared.fields));
  const checks = compileChecks(declared.checks ?? {});
  return {
    rpc: declared.rpc,
    method: declared.method,
    path: declared.path,
    version: declared.version ?? '2.0',
    isForBrowsers: declared.isForBrowsers ?? false,
    takesStream: false,
    read(request, pathValues) {
      const json = readRequestJson(request, declared.fields);
      const decoded = decode(json);
      checkRequest(json, checks, decoded);
      return Object.assign(decoded.message, pathValues);
    },
    answer: async (call) => ({
      message: await declared.handle(call.message as Message<F>, call.request),
    }),
  };
}

export function toHttpAnswer(answer: Answer): HttpAnswer {
  return 'message' in answer ? answerJson(200, answer.message) : answer;
}

export function answerJson(status: number, body: Wire): HttpAnswer {
  return { status, type: JSON_TYPE, body: JSON.stringify(body) };
}
