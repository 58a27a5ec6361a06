import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { InvalidInput } from '../../core/errors.ts';
import { redactUrls } from '../../core/redact.ts';
import type { Context } from '../context.ts';
import { type HttpFailure, judgeAnswer, judgeConnectionError, notJsonError } from './failure.ts';
import { sendWithRetries } from './retries.ts';
import {
  type HttpAudience,
  type HttpSettings,
  readHttpSettings,
  type ServerLogin,
} from './settings.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A parameter that comes more than once is a list. */
export type HttpQuery = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Appended to the client's address; starts with `/`, or is empty for the address itself. */
  readonly path: string;
  readonly query?: HttpQuery;
  /** A query as it was signed, with its `?`, in place of another one; never shown. */
  readonly signedQuery?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: JsonObject;
  /** Makes the body; called anew for every attempt. */
  readonly createBody?: () => Readable;
  /** May it be sent twice? GET, HEAD, PUT and DELETE may, POST and PATCH only if this says so. */
  readonly isIdempotent?: boolean;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** To be read to its end or destroyed. It fails where the connection breaks or stalls. */
  readonly body: Readable;
}

/** One server, its connections kept open between requests. */
export interface HttpClient {
  /** Without credentials and query: fit to be shown. */
  readonly address: string;
  /**
   * Sends, and reads the JSON object that comes back; an empty body reads as `{}`.
   *
   * @throws MltsError as `open`, and where the answer is no JSON object.
   */
  callJson(request: HttpRequest): Promise<JsonObject>;
  /**
   * Sends, and returns a 2xx answer as soon as its head is there. What is safe to send again is
   * retried, each time told on stderr.
   *
   * @throws NotFound, AlreadyExists, InvalidInput, Unavailable or another MltsError, by MLflow's
   * error code or else by the status. @throws Interrupted when we are asked to end.
   */
  open(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

export interface HttpClientOptions {
  /** `tracking-server`: the MLFLOW_TRACKING_* credentials are meant for this address. */
  readonly audience: HttpAudience;
  /** For an audience that has no login of its own. */
  readonly login?: ServerLogin;
}

const LONGEST_ERROR_BYTES = 65_536;

/**
 * Makes a client for `baseUrl` (`http://[user:password@]host[/prefix]`): proxies, TLS, deadlines and
 * retries as MLflow's client has them (`mlflow/utils/rest_utils.py`), except that what could be done
 * twice is not retried.
 *
 * @throws InvalidInput for an address or a setting that cannot be used.
 */
export async function createHttpClient(
  baseUrl: string,
  context: Context,
  { audience, login }: HttpClientOptions,
): Promise<HttpClient> {
  const url = parseAddress(baseUrl);
  const settings = await readHttpSettings(url, context.env, audience, login);
  const dispatchers = await createDispatchers(settings);
  const address = `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  const from: Attempt = { url, address, settings, dispatchers, context };
  return {
    address,
    open: (request) =>
      sendWithRetries(() => attempt(request, from), { request, settings, context }),
    async callJson(request) {
      const send = () => attemptText(request, from);
      const { text } = await sendWithRetries(send, { request, settings, context });
      return parseJson(text, showRequest(request, address));
    },
    close: () => dispatchers.plain.close(),
  };
}

function parseAddress(baseUrl: string): URL {
  const url = URL.parse(baseUrl);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new InvalidInput(`\`${redactUrls(baseUrl)}\` is no http or https address`);
}

interface Dispatchers {
  readonly plain: Dispatcher;
  readonly following: Dispatcher;
}

async function createDispatchers(settings: HttpSettings): Promise<Dispatchers> {
  const { EnvHttpProxyAgent, interceptors } = await import('undici');
  const { timeoutMs, tls, proxy } = settings;
  const plain = new EnvHttpProxyAgent({
    connect: { ...tls, timeout: timeoutMs },
    requestTls: tls,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    allowH2: false,
    // Given even where they are empty: else undici would look into our own process's environment.
    httpProxy: proxy.uri,
    httpsProxy: proxy.uri,
    noProxy: proxy.exceptions,
  });
  return { plain, following: plain.compose(interceptors.redirect({ maxRedirections: 10 })) };
}

interface Attempt {
  readonly url: URL;
  readonly address: string;
  readonly settings: HttpSettings;
  readonly dispatchers: Dispatchers;
  readonly context: Context;
}

/** Sends once. A failure is a result, so that the caller can decide what to do about it. */
async function attempt(request: HttpRequest, from: Attempt): Promise<HttpAnswer | HttpFailure> {
  const shown = showRequest(request, from.address);
  const signal = chooseSignal(request, from.context);
  try {
    const answer = await dispatch(request, from, signal);
    const { statusCode: status, headers, body } = answer;
    if (status < 300) return { status, headers, body };
    return judgeAnswer({ status, headers, text: await readExcerpt(body) }, shown);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return judgeConnectionError(error, shown);
  }
}

/** As `attempt`, and reads all of the answer: one that breaks off is a failure as any other. */
async function attemptText(
  request: HttpRequest,
  from: Attempt,
): Promise<{ readonly status: number; readonly text: string } | HttpFailure> {
  const answer = await attempt(request, from);
  if (!('status' in answer)) return answer;
  try {
    const parts = await answer.body.toArray();
    return { status: answer.status, text: Buffer.concat(parts).toString('utf8') };
  } catch (error) {
    const signal = chooseSignal(request, from.context);
    if (signal.aborted) throw signal.reason;
    return judgeConnectionError(error, showRequest(request, from.address));
  }
}

function dispatch(
  request: HttpRequest,
  { url, settings, dispatchers }: Attempt,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const { method, json, createBody } = request;
  // A POST that is redirected would arrive as a GET: the redirect is reported instead.
  const follows = settings.followRedirects && (method === 'GET' || method === 'HEAD');
  return dispatchers[follows ? 'following' : 'plain'].request({
    origin: url.origin,
    path: pathOf(request, url),
    method,
    headers: {
      ...settings.headers,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    },
    body: createBody?.() ?? (json === undefined ? null : JSON.stringify(json)),
    signal,
  });
}

function pathOf({ path, query = {}, signedQuery }: HttpRequest, url: URL): string {
  const values = Object.entries(query).flatMap(([name, value = []]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  const search =
    signedQuery ?? (values.length === 0 ? url.search : `?${new URLSearchParams(values)}`);
  const prefix = path === '' ? url.pathname : url.pathname.replace(/\/+$/, '');
  return `${prefix}${path}${search}`;
}

/**
 * An interrupt ends what only reads. What may write goes on until a second interrupt: given up half
 * way, nobody would know whether the run exists. A request that starts after the interrupt (the run is
 * being ended) is not stopped by it.
 */
function chooseSignal({ method, signal }: HttpRequest, { interrupts }: Context): AbortSignal {
  const stopsAtOnce = method === 'GET' || method === 'HEAD';
  const heeded = stopsAtOnce && !interrupts.signal.aborted ? [interrupts.signal] : [];
  return AbortSignal.any([interrupts.force, ...heeded, ...(signal === undefined ? [] : [signal])]);
}

function parseJson(text: string, shown: string): JsonObject {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as JsonObject;
    }
  } catch {
    // Told below, as every other answer that is no JSON object.
  }
  throw notJsonError(text, shown);
}

/** The first part of an error's body; the rest is dropped, however long it is. */
async function readExcerpt(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LONGEST_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function showRequest({ method, path }: HttpRequest, address: string): string {
  return `${method} ${address}${path}`;
}
