import { posix } from 'node:path';
import { InvalidInput, MltsError } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';

/** The part of an MLflow server that hands artifacts out. */
export const PROXY_PATH = '/api/2.0/mlflow-artifacts/artifacts';

/** An artifact as a store below `base` and a path in it; '' for all that lies there. */
export interface ArtifactPlace {
  readonly base: string;
  readonly path: string;
}

/** `s3`, in lower case; '' for a plain path. */
export function schemeOf(uri: string): string {
  return /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase() ?? '';
}

/** A path of this machine, plain or as `file:`. */
export function isLocal(uri: string): boolean {
  return ['', 'file'].includes(schemeOf(uri));
}

/** For people: without credentials, and without a query, which may hold a signature. */
export function showUri(uri: string): string {
  const isWeb = /^https?:/i.test(uri);
  return redactUrls(isWeb ? uri.replace(/[?#].*$/, '') : uri);
}

/**
 * Splits the URI of one file or folder into its parent and its name, as MLflow does
 * (`mlflow/tracking/artifact_utils.py`), so that the name is kept below the download folder.
 */
export function splitUri(uri: string): ArtifactPlace {
  if (/^https?:/i.test(uri)) return splitWebAddress(uri);
  const [, root = '', path = ''] = /^([a-z][a-z0-9+.-]*:(?:\/\/[^/]*)?)?(.*)$/is.exec(uri) ?? [];
  const trimmed = path.replace(/\/+$/, '');
  const cut = trimmed.lastIndexOf('/') + 1;
  return { base: `${root}${trimmed.slice(0, cut)}`, path: trimmed.slice(cut) };
}

/** An address below an MLflow server's proxy is a path there; any other is one file, wherever it lies. */
function splitWebAddress(uri: string): ArtifactPlace {
  const at = uri.indexOf(PROXY_PATH);
  if (at === -1) return { base: uri, path: '' };
  const end = at + PROXY_PATH.length;
  const path = uri.slice(end).replace(/[?#].*$/, '');
  return { base: uri.slice(0, end), path: trimSlashes(decodeLeniently(path)) };
}

/** `runs:/RUN_ID/path`. @throws InvalidInput where the id is missing. */
export function parseRunUri(uri: string): { readonly runId: string; readonly path: string } {
  const [, runId, path = ''] = /^runs:\/([^/]+)(?:\/(.*))?$/s.exec(uri) ?? [];
  if (runId === undefined) {
    throw new InvalidInput(`\`${uri}\` does not name a run's artifact`, {
      hint: 'write runs:/RUN_ID/path/of/artifact',
    });
  }
  return { runId, path: trimSlashes(path) };
}

/**
 * The address of the server and the path in it that `mlflow-artifacts:[//host[:port]]/path` means
 * (`MlflowArtifactsRepository.resolve_uri`).
 *
 * @throws InvalidInput where no server is named, neither in the URI nor as tracking URI.
 */
export function resolveProxyUri(uri: string, trackingUri: string): ArtifactPlace {
  const [, host = '', rest = ''] = /^mlflow-artifacts:(?:\/\/([^/]*))?(.*)$/is.exec(uri) ?? [];
  const server = URL.parse(trackingUri);
  if (server === null || !/^https?:$/.test(server.protocol)) {
    throw new InvalidInput(
      `\`${uri}\` lies on a tracking server, and the tracking URI \`${redactUrls(trackingUri)}\` is none`,
      { hint: 'set MLFLOW_TRACKING_URI to the http(s) address of the MLflow server' },
    );
  }
  if (/^\d+$/.test(host)) {
    throw new InvalidInput(`\`${uri}\` names a port and no host`, {
      hint: `write mlflow-artifacts://HOST:${host}/path, or mlflow-artifacts:/path`,
    });
  }
  const prefix = server.pathname.replace(/\/+$/, '');
  const path = rest.startsWith(PROXY_PATH) ? rest.slice(PROXY_PATH.length) : rest;
  const origin = host === '' ? trackingUri.replace(/^(\w+:\/\/[^/?#]*).*$/s, '$1') : '';
  return {
    base: `${origin || `${server.protocol}//${host}`}${prefix}${PROXY_PATH}`,
    path: trimSlashes(decodeLeniently(path)),
  };
}

/** The folder that `file:` or a plain path means; relative ones count from `cwd`. */
export function resolveLocalPath(uri: string, cwd: string): string {
  if (schemeOf(uri) !== 'file') return posix.resolve(cwd, uri);
  const [, host = '', path = ''] = /^file:(?:\/\/([^/]*))?([^?#]*)/is.exec(uri) ?? [];
  if (host !== '' && host !== 'localhost') {
    throw new InvalidInput(`\`${uri}\` names the host \`${host}\`; only local files can be read`, {
      hint: 'write file:///absolute/path',
    });
  }
  return posix.resolve(cwd, decodeLeniently(path));
}

/**
 * Makes sure that a listed path stays below the folder that was listed, whoever wrote the listing.
 *
 * @returns its parts below that folder. @throws InvalidInput for `..`, absolute paths and the like.
 */
export function splitSafely(path: string, folder: string): readonly string[] {
  const below = folder === '' ? path : path.slice(folder.length + 1);
  const parts = below.split('/');
  const isBelow = folder === '' || path.startsWith(`${folder}/`);
  const isSafe = parts.every((part) => !['', '.', '..'].includes(part) && !part.includes('\0'));
  if (isBelow && isSafe) return parts;
  throw new InvalidInput(
    `the artifact path \`${path}\` leads out of its folder, or has an empty part`,
    {
      hint: 'nothing of its folder is kept; name the files you want one by one',
    },
  );
}

const READABLE_SCHEMES = new Set([
  ...['', 'file', 'http', 'https', 'mlflow-artifacts', 's3', 'gs'],
  ...['wasb', 'wasbs', 'abfs', 'abfss', 'dbfs'],
]);

/** Is there a store for addresses of this scheme? */
export function isReadable(uri: string): boolean {
  return READABLE_SCHEMES.has(schemeOf(uri));
}

/** For the schemes that MLflow knows and mlts does not, and for anything else. */
export function unsupportedScheme(uri: string): MltsError {
  const scheme = schemeOf(uri);
  return new MltsError(
    'NOT_IMPLEMENTED',
    `mlts cannot read \`${scheme}:\` addresses yet: ${showUri(uri)}`,
    {
      hint: 'download it first and pass the local path',
    },
  );
}

/** For a deletion that would leave nothing: whoever means that has the store's own tools. */
export function tooMuchToDelete(uri: string): InvalidInput {
  return new InvalidInput(`${showUri(uri)} is no place below a store, but all of one`, {
    hint: 'nothing is deleted; name a folder below it',
  });
}

export function trimSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}

/** Joins what is not empty; unlike `path.join` it leaves `..` and doubled slashes as they are. */
export function joinPath(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('/');
}

/** A name may hold a `%` that escapes nothing. */
export function decodeLeniently(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
