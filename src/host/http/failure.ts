import {
  AlreadyExists,
  InvalidInput,
  MltsError,
  NotFound,
  NotFoundByApi,
  Unavailable,
} from '../../core/errors.ts';
import { isTlsCode } from './certificates.ts';

/** A request that did not work: what the user is told, and whether it may be sent again. */
export interface HttpFailure {
  readonly error: MltsError;
  /** In a few words, for `retry 2 of 5: why`. */
  readonly reason: string;
  /**
   * `always`: the server did nothing with it; `idempotent`: it may have acted, so only what can be
   * done twice is sent again; `never`: it would fail again.
   */
  readonly retry: 'always' | 'idempotent' | 'never';
  /** What the server asked for with Retry-After. */
  readonly retryAfterMs?: number | undefined;
}

const DID_NOTHING = new Set([429, 503]);
const TRANSIENT = new Set([408, 500, 502, 504]);
const LONGEST_EXCERPT = 200;
/** Of an answer, in characters: looking for markup in a page of any length could take for ever. */
const LONGEST_READ = 10_000;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Judges an answer other than 2xx; `request` is `GET http://host/path`, fit to be shown. */
export function judgeAnswer(answer: Answer, request: string): HttpFailure {
  const { status } = answer;
  return {
    error: toError(answer, request),
    reason: `the server answered ${status}`,
    retry: DID_NOTHING.has(status) ? 'always' : TRANSIENT.has(status) ? 'idempotent' : 'never',
    retryAfterMs: DID_NOTHING.has(status) ? readRetryAfter(answer) : undefined,
  };
}

/** Reads MLflow's `{error_code, message}`; other bodies are quoted as far as they can be read. */
function toError(answer: Answer, request: string): MltsError {
  const { status } = answer;
  const wire = parseWireError(answer.text);
  if (wire !== undefined && status !== 401) return wireError(wire, status);
  const message = `${request} answered ${status}${excerptOf(wire?.message ?? answer.text)}`;
  switch (status) {
    case 401:
      return new MltsError('UNAUTHENTICATED', message, {
        hint: 'set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN',
      });
    case 403:
      return new MltsError('PERMISSION_DENIED', message, {
        hint: MAY_NOT,
      });
    case 404:
      return new NotFound(message, { hint: NO_MLFLOW });
    case 407:
      return new MltsError('UNAUTHENTICATED', message, {
        hint: 'the proxy wants credentials: HTTPS_PROXY=http://user:password@host:port',
      });
    default:
      return status >= 300 && status < 400
        ? redirectError(answer, message)
        : status >= 500 || status === 429 || status === 408
          ? new Unavailable(message, { hint: hintOf(status) })
          : new InvalidInput(message, { hint: hintOf(status) });
  }
}

const NO_MLFLOW = 'check that the address is that of an MLflow server';
const MAY_NOT = 'the server knows you, but does not let you do this: ask who runs it';

function hintOf(status: number): string {
  switch (status) {
    case 409:
      return 'somebody else changed it at the same time: look at it, then run it again';
    case 408:
    case 429:
    case 503:
      return 'the server has too much to do, or is starting: run it again later';
    case 502:
    case 504:
      return 'the server behind the proxy does not answer: is it running?';
    default:
      return status >= 500 ? "the server's log says what went wrong" : NO_MLFLOW;
  }
}

function redirectError(answer: Answer, message: string): MltsError {
  const target = String(answer.headers.location ?? '');
  return new InvalidInput(`${message}, a redirect${target === '' ? '' : ` to ${target}`}`, {
    hint: 'set MLFLOW_TRACKING_URI to the address that the server redirects to',
  });
}

interface WireError {
  readonly code: string;
  readonly message: string;
}

function parseWireError(text: string): WireError | undefined {
  try {
    const { error_code: code, message } = JSON.parse(text) as Record<string, unknown>;
    return typeof code === 'string' ? { code, message: String(message ?? code) } : undefined;
  } catch {
    return undefined;
  }
}

function wireError({ code, message }: WireError, status: number): MltsError {
  switch (code) {
    case 'RESOURCE_DOES_NOT_EXIST':
    case 'NOT_FOUND':
    case 'ENDPOINT_NOT_FOUND':
      return new NotFoundByApi(message);
    case 'RESOURCE_ALREADY_EXISTS':
      return new AlreadyExists(message, {
        hint: 'choose another name, or change the one there is',
      });
    case 'PERMISSION_DENIED':
      return new MltsError('PERMISSION_DENIED', message, { hint: MAY_NOT });
    case 'UNAUTHENTICATED':
      return new MltsError('UNAUTHENTICATED', message);
    case 'NOT_IMPLEMENTED':
      return new MltsError('NOT_IMPLEMENTED', message);
    case 'INVALID_STATE':
      return new MltsError('INVALID_STATE', message);
    default:
      return status >= 500 || status === 429
        ? new Unavailable(`the server failed: ${message}`, { hint: hintOf(status) })
        : new InvalidInput(message, { hint: "these are the server's words: mend what they name" });
  }
}

/** ` : text`, its markup and white space taken out, or nothing. */
function excerptOf(text: string): string {
  const plain = text
    .slice(0, LONGEST_READ)
    .replace(/<(style|script)\b.*?<\/\1>/gis, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  if (plain === '') return '';
  return `: ${plain.length > LONGEST_EXCERPT ? `${plain.slice(0, LONGEST_EXCERPT)}...` : plain}`;
}

function readRetryAfter({ headers }: Answer): number | undefined {
  const text = String(headers['retry-after'] ?? '');
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** An answer that says 200 and is no JSON object: a login page, another program, a cut-off body. */
export function notJsonError(text: string, request: string): MltsError {
  const what = text.trimStart().startsWith('<') ? 'a web page' : 'something that is not JSON';
  return new MltsError('INTERNAL_ERROR', `${request} answered with ${what}${excerptOf(text)}`, {
    hint: 'check that the address is that of an MLflow server, and what a proxy before it does',
  });
}

interface Causes {
  readonly says: string;
  readonly retry: HttpFailure['retry'];
  readonly hint?: string;
}

const UNREACHABLE = 'check the address, and that the server runs';

const CAUSES: Readonly<Record<string, Causes>> = {
  ECONNREFUSED: { says: 'connection refused', retry: 'always', hint: UNREACHABLE },
  EHOSTUNREACH: { says: 'host unreachable', retry: 'always', hint: UNREACHABLE },
  ENETUNREACH: { says: 'network unreachable', retry: 'always', hint: UNREACHABLE },
  EAI_AGAIN: { says: 'name lookup failed', retry: 'always', hint: UNREACHABLE },
  ENOTFOUND: { says: 'no such host', retry: 'never', hint: UNREACHABLE },
  UND_ERR_CONNECT_TIMEOUT: { says: 'no connection in time', retry: 'always', hint: UNREACHABLE },
  UND_ERR_HEADERS_TIMEOUT: { says: 'no answer in time', retry: 'idempotent' },
  UND_ERR_BODY_TIMEOUT: { says: 'the answer stalled', retry: 'idempotent' },
};

/** Judges a request that got no answer, or only a part of one. */
export function judgeConnectionError(cause: unknown, request: string): HttpFailure {
  const code = findCode(cause);
  const { says, retry, hint } = CAUSES[code] ?? judgeCode(code, cause);
  const mend = code.endsWith('S_TIMEOUT') || code.endsWith('Y_TIMEOUT') ? TIMEOUT_HINT : hint;
  return {
    error: new Unavailable(`${request}: ${says}`, { hint: mend, cause }),
    reason: says,
    retry,
  };
}

const TIMEOUT_HINT = 'MLFLOW_HTTP_REQUEST_TIMEOUT sets how many seconds are waited';

function judgeCode(code: string, cause: unknown): Causes {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (isTlsCode(code)) {
    return {
      says: `TLS: ${message}`,
      retry: 'never',
      hint: 'MLFLOW_TRACKING_SERVER_CERT_PATH names the CA file, MLFLOW_TRACKING_CLIENT_CERT_PATH your own certificate',
    };
  }
  if (/^(ECONN|EPIPE|ETIMEDOUT|UND_ERR_SOCKET|UND_ERR_ABORTED|HPE_|UND_ERR_RES)/.test(code)) {
    return {
      says: `the connection broke (${message})`,
      retry: 'idempotent',
      hint: 'run it again; if it stays so, the server or a proxy before it ends connections',
    };
  }
  return { says: message === '' ? code : message, retry: 'never' };
}

/** The code of the innermost cause that has one; undici and happy eyeballs wrap it. */
function findCode(error: unknown): string {
  const { code, cause, errors } = error as {
    code?: unknown;
    cause?: unknown;
    errors?: readonly unknown[];
  };
  if (cause instanceof Error && findCode(cause) !== '') return findCode(cause);
  if (typeof code === 'string' && code !== '') return code;
  return errors?.[0] === undefined ? '' : findCode(errors[0]);
}
