import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Env, readFlag, readNumber, variables } from '../../core/environment-variables.ts';
import { InvalidInput } from '../../core/errors.ts';
import { readTextIfPresent } from '../files.ts';
import { parseIniSection } from '../ini-file.ts';
import { readBundle, readCertificate } from './certificates.ts';

/** Whose credentials a request carries: the tracking server's, or none but those in the URL itself. */
export type HttpAudience = 'tracking-server' | 'anyone';

/** A login found elsewhere, in place of the tracking server's. */
export interface ServerLogin {
  /** The header's value; never shown. */
  readonly authorization: string;
  readonly skipsVerification: boolean;
}

/** How one server is talked to, read once from the environment and the URL. */
export interface HttpSettings {
  /** Sent with every request; holds the credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsSettings;
  /** Empty texts: no proxy, no exceptions. */
  readonly proxy: { readonly uri: string; readonly exceptions: string };
  /** For connecting, for the first byte of an answer, and between two of its parts. */
  readonly timeoutMs: number;
  readonly followRedirects: boolean;
  readonly retry: RetrySettings;
}

export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
}

export interface RetrySettings {
  readonly maxRetries: number;
  readonly backoffFactor: number;
  readonly jitterSeconds: number;
  readonly respectRetryAfter: boolean;
  /** After the first attempt of a request began; a wait that goes past it is not begun. */
  readonly deadlineMs: number;
}

/** MLflow refuses more (`_MLFLOW_HTTP_REQUEST_MAX_RETRIES_LIMIT` and `..._BACKOFF_FACTOR_LIMIT`). */
const MOST_RETRIES = 10;
const LARGEST_BACKOFF_FACTOR = 120;
/** MLflow's seven waits take 250 s. */
const RETRY_DEADLINE_S = 300;

/**
 * Reads what MLflow's client reads (`mlflow/utils/credentials.py`, `mlflow/utils/rest_utils.py`) and
 * what Python's `requests` adds: proxies and CA bundles. Credentials in the URL come first, then user
 * and password of the environment or of `~/.mlflow/credentials`, then the token.
 *
 * @throws InvalidInput for numbers that are none, certificates that cannot be read, and settings that
 * contradict each other or are not known here.
 */
export async function readHttpSettings(
  url: URL,
  env: Env,
  audience: HttpAudience,
  login?: ServerLogin,
): Promise<HttpSettings> {
  return {
    headers: {
      ...(login === undefined ? {} : { authorization: login.authorization }),
      ...readUrlCredentials(url),
      ...(audience === 'tracking-server' ? await readTrackingHeaders(url, env) : {}),
    },
    tls: await readTlsSettings(env, audience, login?.skipsVerification ?? false),
    proxy: readProxy(url, env),
    timeoutMs: readNumber(env, variables.httpRequestTimeout, 120) * 1_000,
    followRedirects: readFlag(env, variables.httpAllowRedirects, true),
    retry: {
      maxRetries: readNumber(env, variables.httpRequestMaxRetries, 7, MOST_RETRIES),
      backoffFactor: readNumber(env, variables.httpRequestBackoffFactor, 2, LARGEST_BACKOFF_FACTOR),
      jitterSeconds: readNumber(env, variables.httpRequestBackoffJitter, 1),
      respectRetryAfter: readFlag(env, variables.httpRespectRetryAfter, true),
      deadlineMs: readNumber(env, variables.retryDeadlineSeconds, RETRY_DEADLINE_S) * 1_000,
    },
  };
}

function readUrlCredentials(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  return basicAuthorization(decodeURIComponent(url.username), decodeURIComponent(url.password));
}

async function readTrackingHeaders(url: URL, env: Env): Promise<Record<string, string>> {
  refuseUnsupported(env);
  const workspace = env[variables.workspace];
  return {
    ...(url.username === '' ? await readAuthorization(env) : {}),
    ...(workspace ? { 'x-mlflow-workspace': workspace } : {}),
  };
}

async function readAuthorization(env: Env): Promise<Record<string, string>> {
  const stored = await readStoredCredentials(env);
  const user = env[variables.trackingUsername] || stored.get('mlflow_tracking_username');
  const password = env[variables.trackingPassword] || stored.get('mlflow_tracking_password');
  if (user && password) return basicAuthorization(user, password);
  const token = env[variables.trackingToken];
  return token ? { authorization: `Bearer ${token}` } : {};
}

function basicAuthorization(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

function refuseUnsupported(env: Env): void {
  const auth = env[variables.trackingAuth];
  const name = readFlag(env, variables.trackingAwsSigv4)
    ? variables.trackingAwsSigv4
    : auth
      ? variables.trackingAuth
      : undefined;
  if (name === undefined) return;
  throw new InvalidInput(`${name} is set, and mlts cannot sign requests that way`, {
    hint: `unset ${name} and use ${variables.trackingToken}, or a user and a password`,
  });
}

/** The `[mlflow]` part of `~/.mlflow/credentials`. */
async function readStoredCredentials(env: Env): Promise<ReadonlyMap<string, string>> {
  const home = env.HOME || homedir();
  const text = (await readTextIfPresent(join(home, '.mlflow', 'credentials'))) ?? '';
  return parseIniSection(text, 'mlflow');
}

/** What is said about the tracking server's certificate says nothing about anybody else's. */
async function readTlsSettings(
  env: Env,
  audience: HttpAudience,
  skipsVerification: boolean,
): Promise<TlsSettings> {
  if (audience === 'anyone') {
    return {
      rejectUnauthorized: !skipsVerification,
      ...nameIfRead('ca', await readBundle(env)),
    };
  }
  const isInsecure = readFlag(env, variables.trackingInsecureTls);
  if (isInsecure && env[variables.trackingServerCertPath]) {
    throw new InvalidInput(
      `${variables.trackingInsecureTls} and ${variables.trackingServerCertPath} are both set`,
      { hint: `unset ${variables.trackingInsecureTls} to have the server's certificate checked` },
    );
  }
  const ca = await readBundle(env, [variables.trackingServerCertPath]);
  // One file holds the certificate and its key, as `requests` takes it.
  const pair = await readCertificate(env, [variables.trackingClientCertPath]);
  return {
    rejectUnauthorized: !isInsecure,
    ...nameIfRead('ca', ca),
    ...nameIfRead('cert', pair),
    ...nameIfRead('key', pair),
  };
}

function nameIfRead(name: 'ca' | 'cert' | 'key', pem: string | undefined): Partial<TlsSettings> {
  return pem === undefined ? {} : { [name]: pem };
}

/** The proxy for this URL's scheme, lower case first, as Python's `requests` chooses it. */
function readProxy(url: URL, env: Env): HttpSettings['proxy'] {
  const names =
    url.protocol === 'https:' ? ['https_proxy', 'all_proxy'] : ['http_proxy', 'all_proxy'];
  const uri = names.map((name) => env[name] || env[name.toUpperCase()]).find(Boolean) ?? '';
  return {
    uri: uri === '' || uri.includes('://') ? uri : `http://${uri}`,
    exceptions: env.no_proxy || env.NO_PROXY || '',
  };
}
