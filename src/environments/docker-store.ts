import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import type { Mount } from '../core/launch.ts';
import { CODE_DIRECTORY } from '../images/dockerfile.ts';
import type { RunAddress } from './environment.ts';

/** What a container needs so that the run's store and artifacts are true inside. */
export interface StoreAccess {
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** True where the store listens on this machine's loopback address. */
  readonly needsHostNetwork: boolean;
}

/** Folders that a container cannot do without, so that ours must not be laid over them. */
const SYSTEM_FOLDERS = /^\/(|bin|boot|dev|etc|lib|lib32|lib64|proc|run|sbin|sys|usr|var)$/;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?|0\.0\.0\.0)$/;

/**
 * Local stores and artifacts are mounted at the path that they have here, so the addresses in the
 * database stay true; MLflow mounts them elsewhere (`mlflow/projects/docker.py`), and the artifacts of a
 * SQLite store are then written to a path that is lost. Of a SQLite database its whole folder is
 * mounted, for the journal beside it; of artifacts the experiment's folder, for logged models.
 *
 * @throws InvalidInput where a store's folder would hide a part of the container's own system.
 */
export function describeStoreAccess(run: RunAddress, cwd: string): StoreAccess {
  const store = describeStore(run.trackingUri, cwd);
  const artifacts = mountArtifacts(run.artifactUri, cwd);
  return {
    env: { [variables.trackingUri]: store.uri },
    mounts: [...store.mounts, ...artifacts],
    needsHostNetwork: LOOPBACK.test(readHost(run.trackingUri) ?? ''),
  };
}

function describeStore(uri: string, cwd: string): { uri: string; mounts: readonly Mount[] } {
  const database = /^(sqlite(?:\+\w+)?):\/\/\/([^?]+)(.*)$/.exec(uri);
  if (database !== null) {
    const [, scheme, path = '', query] = database;
    if (path === ':memory:') return { uri, mounts: [] };
    const folder = dirname(resolve(cwd, decodeURIComponent(path)));
    return { uri: `${scheme}:///${resolve(cwd, path)}${query}`, mounts: [mountInPlace(folder)] };
  }
  const folder = readLocalPath(uri);
  if (folder === undefined) return { uri, mounts: [] };
  const path = resolve(cwd, folder);
  return { uri: uri.startsWith('file:') ? uri : path, mounts: [mountInPlace(path)] };
}

function mountArtifacts(uri: string, cwd: string): readonly Mount[] {
  const path = readLocalPath(uri);
  if (path === undefined) return [];
  // `<experiment>/<run>/artifacts`; models are logged to `<experiment>/models`.
  const folder = /\/[^/]+\/artifacts\/?$/.test(path)
    ? resolve(cwd, path, '../..')
    : resolve(cwd, path);
  const inPlace = mountInPlace(folder);
  if (path.startsWith('/')) return [inPlace];
  // A relative address is taken from the command's working directory.
  return [{ ...inPlace, target: resolve(CODE_DIRECTORY, relative(cwd, folder)) }];
}

function mountInPlace(path: string): Mount {
  if (SYSTEM_FOLDERS.test(path)) {
    throw new InvalidInput(`the store in ${path} cannot be mounted into a container`, {
      hint: 'keep it in a folder of its own: set MLFLOW_TRACKING_URI, or change to another folder',
    });
  }
  return { source: path, target: path, readOnly: false };
}

/** The path of a `file:` URI or of plain text; undefined for every other scheme. */
function readLocalPath(uri: string): string | undefined {
  if (uri.startsWith('file:')) return fileURLToPath(new URL(uri));
  return /^[a-z][a-z0-9+.-]*:/i.test(uri) ? undefined : uri;
}

function readHost(uri: string): string | undefined {
  return URL.canParse(uri) ? new URL(uri).hostname : undefined;
}

/** Leaves out what another mount already shows at the same place. */
export function dropCoveredMounts(mounts: readonly Mount[]): readonly Mount[] {
  const kept: Mount[] = [];
  for (const mount of mounts.toSorted((a, b) => a.target.length - b.target.length)) {
    if (!kept.some((other) => covers(other, mount))) kept.push(mount);
  }
  return kept;
}

function covers(other: Mount, mount: Mount): boolean {
  if (other.readOnly && !mount.readOnly) return false;
  if (mount.target === other.target) return mount.source === other.source;
  if (!mount.target.startsWith(`${other.target}/`)) return false;
  return mount.source === other.source + mount.target.slice(other.target.length);
}
