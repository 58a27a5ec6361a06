import pMap from 'p-map';
import { type Env, readFlag, readNumber, variables } from '../core/environment-variables.ts';
import { MltsError, Unavailable } from '../core/errors.ts';
import { type Context, withEnv } from '../host/context.ts';
import { readFileRange } from '../host/file-transfer.ts';
import { createHttpClient, type HttpClient, type JsonObject } from '../host/http/client.ts';
import { createCountingBody } from './counting-body.ts';
import { MOST_PARTS } from './direct.ts';
import { readContent, resumeHeaders } from './http-content.ts';
import type { ArtifactContent, ResumePoint, UploadSource } from './store.ts';

const MINIMUM_BYTES = 500 * 1024 * 1024;
const PART_BYTES = 10 * 1024 * 1024;
const PARTS_AT_ONCE = 8;
/** An address that this machine cannot reach must not hold everything up: the server is another way. */
const MOST_RETRIES = 3;

/** What MLflow's clients are told by settings; undefined: the server's own word counts. */
interface DirectSettings {
  readonly uploads: boolean | undefined;
  readonly downloads: boolean | undefined;
  /** Smaller files go through the server. */
  readonly minimumBytes: number;
  readonly partBytes: number;
}

/**
 * The way past an MLflow server to where it keeps artifacts, at addresses that it signs
 * (`mlflow/store/artifact/mlflow_artifacts_repo.py`). Where it cannot be gone, all goes through the server.
 */
export class DirectRoute {
  readonly #server: HttpClient;
  readonly #context: Context;
  readonly #settings: DirectSettings;
  readonly #places = new Map<string, Promise<HttpClient>>();
  #info: Promise<JsonObject> | undefined;

  /** `server` has its address where the paths of its API begin. */
  constructor(server: HttpClient, context: Context) {
    this.#server = server;
    this.#context = context;
    this.#settings = readSettings(context.env);
  }

  /** Sends a large file in parts to `path` in the proxy; false: it has to go through the server. */
  async send(path: string, source: UploadSource): Promise<boolean> {
    const { minimumBytes, uploads } = this.#settings;
    const isLarge = source.sizeBytes >= Math.max(1, minimumBytes);
    if (!isLarge || !(await this.#may(uploads, 'multipart_uploads_enabled'))) return false;
    let sent = 0;
    const onBytes = (count: number): void => {
      sent += count;
      source.onBytes(count);
    };
    try {
      await this.#sendParts(path, { ...source, onBytes });
      return true;
    } catch (error) {
      source.onBytes(-sent);
      return this.#giveUp(error);
    }
  }

  /** Undefined: it has to come through the server. */
  async read(
    path: string,
    from: ResumePoint,
    signal: AbortSignal,
  ): Promise<ArtifactContent | undefined> {
    if (!(await this.#may(this.#settings.downloads, 'multipart_downloads_enabled'))) return;
    try {
      const asked = { method: 'GET', path: `${PRESIGNED}/${path}`, signal } as const;
      const { url, headers = {} } = await this.#server.callJson(asked);
      const sent = { ...resumeStrictly(from), ...(headers as Record<string, string>) };
      const place = await this.#locate(String(url));
      return readContent(
        await place.client.open({ method: 'GET', ...place.address, headers: sent, signal }),
      );
    } catch (error) {
      signal.throwIfAborted();
      // It may have changed meanwhile: then the server says so, and sends all of it.
      if (from.offset === 0) this.#giveUp(error);
      return undefined;
    }
  }

  async close(): Promise<void> {
    for (const client of this.#places.values()) await (await client).close();
  }

  async #may(setting: boolean | undefined, name: string): Promise<boolean> {
    if (setting !== undefined) return setting;
    this.#info ??= this.#server
      .callJson({ method: 'GET', path: SERVER_INFO, isIdempotent: false })
      .catch(() => ({}));
    return (await this.#info)[name] === true;
  }

  async #sendParts(path: string, source: UploadSource): Promise<void> {
    const { sizeBytes, signal } = source;
    const partBytes = Math.max(this.#settings.partBytes, Math.ceil(sizeBytes / MOST_PARTS));
    const cut = path.lastIndexOf('/');
    const folder = path.slice(0, cut);
    const own = { path: decodeURIComponent(path.slice(cut + 1)) };
    const ask = (step: string, json: JsonObject): Promise<JsonObject> =>
      this.#server.callJson({ method: 'POST', path: `${MULTIPART}/${step}/${folder}`, json });
    const started = await ask('create', { ...own, num_parts: Math.ceil(sizeBytes / partBytes) });
    const upload = { ...own, upload_id: started.upload_id ?? null };
    try {
      const stop = new AbortController();
      const both = AbortSignal.any([signal, stop.signal]);
      const send = (one: WirePart) =>
        this.#sendPart(one, partBytes, { ...source, signal: both }).catch((error: unknown) => {
          stop.abort(error);
          throw error;
        });
      const parts = started.credentials as readonly WirePart[];
      const sent = await pMap(parts, send, { concurrency: PARTS_AT_ONCE, stopOnError: false });
      await ask('complete', { ...upload, parts: sent });
    } catch (error) {
      // Why it failed matters more than that what has arrived could not be dropped either.
      await ask('abort', upload).catch(() => {});
      signal.throwIfAborted();
      throw error instanceof AggregateError ? error.errors[0] : error;
    }
  }

  async #sendPart(
    { url, part_number, headers }: WirePart,
    partBytes: number,
    source: UploadSource,
  ): Promise<JsonObject> {
    const number = Number(part_number);
    const start = (number - 1) * partBytes;
    const bytes = Math.min(partBytes, source.sizeBytes - start);
    const part = () => readFileRange(source.file, start, start + bytes - 1);
    const { client, address } = await this.#locate(url);
    const answer = await client.open({
      method: 'PUT',
      ...address,
      headers: { 'content-length': String(bytes), ...headers },
      createBody: createCountingBody(source, part),
      signal: source.signal,
    });
    await answer.body.toArray();
    return { part_number: number, etag: String(answer.headers.etag ?? ''), url };
  }

  /** Its own credentials are in the address: none of ours go along. */
  async #locate(url: string): Promise<SignedPlace> {
    const { origin, pathname, search } = new URL(url);
    const known = this.#places.get(origin) ?? this.#open(origin);
    this.#places.set(origin, known);
    return { client: await known, address: { path: pathname, signedQuery: search } };
  }

  #open(origin: string): Promise<HttpClient> {
    const name = variables.httpRequestMaxRetries;
    const retries = Math.min(readNumber(this.#context.env, name, MOST_RETRIES), MOST_RETRIES);
    const env: Env = { ...this.#context.env, [name]: String(retries) };
    return createHttpClient(origin, withEnv(this.#context, env), { audience: 'anyone' });
  }

  /** What the server cannot sign, or we cannot reach, goes through the server. */
  #giveUp(error: unknown): false {
    const isUnknown = error instanceof MltsError && UNKNOWN.has(error.code);
    if (!isUnknown && !(error instanceof Unavailable)) throw error;
    if (!isUnknown) {
      this.#context.terminal.note(`${error.message}: the file goes through the server instead`);
    }
    return false;
  }
}

const MULTIPART = '/api/2.0/mlflow-artifacts/mpu';
const PRESIGNED = '/api/2.0/mlflow-artifacts/presigned';
const SERVER_INFO = '/api/3.0/mlflow/server-info';

/** The server, or its store, has no such way; or no such file, which is told better by who looks again. */
const UNKNOWN: ReadonlySet<string> = new Set(['NOT_IMPLEMENTED', 'RESOURCE_DOES_NOT_EXIST']);

/** S3 does not look at `If-Range`: another file is refused, where servers send it whole. */
function resumeStrictly(from: ResumePoint): Record<string, string> {
  const { 'if-range': version, ...headers } = resumeHeaders(from);
  return version === undefined ? headers : { ...headers, 'if-match': version };
}

interface WirePart {
  readonly url: string;
  readonly part_number: number | string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface SignedPlace {
  readonly client: HttpClient;
  readonly address: { readonly path: string; readonly signedQuery: string };
}

function readSettings(env: Env): DirectSettings {
  const flag = (name: string): boolean | undefined =>
    env[name] === undefined ? undefined : readFlag(env, name);
  return {
    uploads: flag(variables.proxyMultipartUpload),
    downloads: flag(variables.proxyMultipartDownload),
    minimumBytes: readNumber(env, variables.multipartUploadMinimum, MINIMUM_BYTES),
    partBytes: readNumber(env, variables.multipartUploadChunk, PART_BYTES) || PART_BYTES,
  };
}
