import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import {
  decodeLeniently,
  isLocal,
  joinPath,
  PROXY_PATH,
  resolveLocalPath,
  schemeOf,
  trimSlashes,
} from '../artifacts/artifact-uri.ts';
import type { DirectTransfers } from '../artifacts/direct.ts';
import { PARTIAL_PREFIX } from '../artifacts/local-store.ts';
import { openArtifactStore } from '../artifacts/open.ts';
import type { ArtifactStore } from '../artifacts/store.ts';
import { InvalidInput, MltsError } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { receiveWhole } from '../host/file-arrival.ts';
import { sizeOfFile } from '../host/file-transfer.ts';
import { isWithin, removeFolder, resolvePath } from '../host/folders.ts';
import { makeTemporaryFolder } from '../host/temporary-folder.ts';
import { invalidPath, readArtifactPath } from './artifact-paths.ts';
import { checkHost } from './location-rules.ts';

/** All below one of these is one store: the roots of runs are very many. */
const BUCKET = /^((?:s3|gs):\/\/[^/]+)\/?(.*?)\/*$/is;
const CONTAINER = /^((?:wasb|abfs)s?:\/\/[^/]+)\/*(.*?)\/*$/is;

const MOST_SHARED = 50;

/** Of a store that others use too. */
const release = async (): Promise<void> => {};

/** A file that is received takes the place of a link, and does not follow it: its folder counts. */
type Purpose = 'read' | 'receive';

/** A file or folder in a store. */
export interface Place {
  readonly store: ArtifactStore;
  /** '' is all of the store. */
  readonly path: string;
  /** Its absolute path where it lies on this machine. */
  readonly file: string | undefined;
  /** Lets go of the store; called when nothing more is read. */
  release(): Promise<void>;
}

export interface ArtifactOptions {
  /** Whether artifacts pass through this server at all. */
  readonly servesArtifacts: boolean;
  /** Where artifacts that pass through are kept. */
  readonly destination: string;
  /** Places that the server was started with: their hosts may be called. */
  readonly trustedLocations: readonly string[];
  readonly trackingUri: string;
  /** How long an address is good that a client fetches a file from by itself. */
  readonly presignedSeconds: number;
  /** Where the artifact that passes through at a path lies; absent: at that path below `destination`. */
  findPassing?(path: string): Promise<{ readonly root: string; readonly path: string }>;
}

/** Where the artifacts lie that this server hands out. */
export class ArtifactPlaces {
  readonly #options: ArtifactOptions;
  readonly #context: Context;
  #lastRoot: { readonly folder: string; readonly real: string } | undefined;
  readonly #shared = new Map<string, Promise<ArtifactStore>>();

  constructor(options: ArtifactOptions, context: Context) {
    this.#options = options;
    this.#context = context;
  }

  /** @throws MltsError TEMPORARILY_UNAVAILABLE with `--no-serve-artifacts`, as MLflow's 503. */
  async openPassing(path: string, purpose: Purpose = 'read'): Promise<Place> {
    if (this.#options.servesArtifacts) return this.#openDestination(path, purpose);
    throw new MltsError(
      'TEMPORARILY_UNAVAILABLE',
      'artifacts do not pass through this server: it was started with --no-serve-artifacts',
    );
  }

  /** How clients reach the place of what passes through by themselves; undefined where they cannot. */
  async findDirect(): Promise<DirectTransfers | undefined> {
    if (!this.#options.servesArtifacts) return undefined;
    const place = await this.#openDestination('').catch(() => undefined);
    return place?.store.direct;
  }

  get presignedSeconds(): number {
    return this.#options.presignedSeconds;
  }

  /**
   * What lies at `path` below the artifact root of a run, a logged model or a version.
   *
   * @throws InvalidInput for a root on a host that the server was not started with.
   */
  async openBelow(root: string, path: string): Promise<Place> {
    if (this.passesThrough(root)) {
      return this.#openDestination(readArtifactPath(joinPath(pathInProxy(root), path)));
    }
    checkHost(root, this.#options.trustedLocations);
    const [, bucket, prefix = ''] = BUCKET.exec(root) ?? CONTAINER.exec(root) ?? [];
    if (bucket !== undefined && this.#mayShare(bucket)) {
      const store = await this.#share(bucket);
      // The root of a data lake is an address, as where it is opened by itself.
      const folder = schemeOf(root).startsWith('abfs')
        ? trimSlashes(decodeLeniently(prefix))
        : prefix;
      return { store, path: joinPath(folder, path), file: undefined, release };
    }
    return this.#openPlace(root, path);
  }

  async #openPlace(root: string, path: string, purpose: Purpose = 'read'): Promise<Place> {
    const file = await this.#locate(root, path, purpose);
    const store = await this.#open(root);
    return { store, path, file, release: () => store.close() };
  }

  /** Whether the root is one that this server hands out (`_is_servable_proxied_run_artifact_root`). */
  passesThrough(root: string): boolean {
    const isProxied = ['http', 'https', 'mlflow-artifacts'].includes(schemeOf(root));
    return isProxied && this.#options.servesArtifacts;
  }

  async close(): Promise<void> {
    for (const opened of this.#shared.values()) {
      await opened.then((store) => store.close()).catch(() => {});
    }
  }

  async #openDestination(path: string, purpose: Purpose = 'read'): Promise<Place> {
    const { destination, findPassing } = this.#options;
    if (findPassing !== undefined) {
      const found = await findPassing(path);
      return this.#openPlace(found.root, found.path, purpose);
    }
    const file = await this.#locate(destination, path, purpose);
    return { store: await this.#share(destination), path, file, release };
  }

  /** Clients choose buckets: none of them fills the memory with them. */
  #mayShare(bucket: string): boolean {
    return this.#shared.has(bucket) || this.#shared.size < MOST_SHARED;
  }

  /** Opens a store once for all: its connections are kept. */
  async #share(root: string): Promise<ArtifactStore> {
    const opened = this.#shared.get(root) ?? this.#open(root);
    this.#shared.set(root, opened);
    return opened.catch((error: unknown) => {
      this.#shared.delete(root);
      throw error;
    });
  }

  #open(root: string): Promise<ArtifactStore> {
    return openArtifactStore(root, this.#context, this.#options.trackingUri);
  }

  /** @throws InvalidInput where a link leads out of the root. */
  async #locate(
    root: string,
    path: string,
    purpose: Purpose = 'read',
  ): Promise<string | undefined> {
    if (!isLocal(root)) return undefined;
    const folder = resolveLocalPath(root, this.#context.cwd);
    const file = posix.join(folder, path);
    if (await this.#isBelow(purpose === 'receive' ? posix.dirname(file) : file, folder))
      return file;
    throw invalidPath(path);
  }

  /** The links of the root itself are followed once, and again where something seems to lie outside of it. */
  async #isBelow(path: string, folder: string): Promise<boolean> {
    const real = await resolvePath(path);
    const known = this.#lastRoot;
    if (known?.folder === folder && isWithin(real, known.real)) return true;
    const found = { folder, real: await resolvePath(folder) };
    this.#lastRoot = found;
    return isWithin(real, found.real);
  }

  /** Keeps what a client sends: all of it, or nothing. */
  async receive(place: Place, stream: Readable, signal: AbortSignal): Promise<void> {
    const { path, file, store } = place;
    if (posix.basename(path).startsWith(PARTIAL_PREFIX)) throw invalidPath(path);
    if (file !== undefined) return receiveWhole(file, stream, { prefix: PARTIAL_PREFIX, signal });
    const folder = await makeTemporaryFolder('mlts-artifact-', this.#context.env);
    try {
      // Content types are told by the name.
      const spooled = posix.join(folder, posix.basename(path));
      await receiveWhole(spooled, stream, { prefix: PARTIAL_PREFIX, signal });
      const sizeBytes = (await sizeOfFile(spooled)) ?? 0;
      await store.write(path, { file: spooled, sizeBytes, signal, onBytes: () => {} });
    } finally {
      await removeFolder(folder);
    }
  }
}

/** @throws InvalidInput for an address that is not MLflow's proxy. */
function pathInProxy(root: string): string {
  const [, rest] = /^mlflow-artifacts:(?:\/\/[^/]*)?([^?#]*)/is.exec(root) ?? [];
  if (rest !== undefined) return trimSlashes(decodeLeniently(rest));
  const [, path] = root.split(`${PROXY_PATH}/`);
  if (path !== undefined) return trimSlashes(decodeLeniently(path));
  throw new InvalidInput('the artifacts lie at an address that is not below this server');
}
