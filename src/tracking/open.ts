import { join, resolve } from 'node:path';
import { quotePath, resolveLocation, toFileUri, unquotePath } from '../core/artifact-location.ts';
import { variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import type { Context } from '../host/context.ts';
import { cacheDirectory, kindOf } from '../host/files.ts';
import { listNames } from '../host/folders.ts';
import { checkDatabricksUri, isDatabricksUri } from '../host/http/databricks.ts';
import { readLengthRule } from './limits.ts';
import type { TrackingStore } from './store.ts';

const DEFAULT_ARTIFACT_FOLDER = 'mlruns';

/**
 * Where runs are logged if no command says so: what Python's `mlflow.get_tracking_uri()` gives in the
 * same folder (`mlflow/tracking/_tracking_service/utils.py`). MLFLOW_TRACKING_URI, else `./mlruns` where
 * that holds experiments, else `sqlite:///` and the absolute path of `mlflow.db`.
 */
export async function resolveTrackingUri(context: Context): Promise<string> {
  const named = context.env[variables.trackingUri];
  if (named) return named;
  const folder = join(context.cwd, DEFAULT_ARTIFACT_FOLDER);
  return (await holdsExperiments(folder))
    ? toFileUri(folder)
    : `sqlite:///${quotePath(join(context.cwd, 'mlflow.db'))}`;
}

async function holdsExperiments(folder: string): Promise<boolean> {
  const ids = (await listNames(folder)).filter((name) => /^\d+$/.test(name));
  for (const id of ids) {
    if ((await kindOf(join(folder, id, 'meta.yaml'))) !== undefined) return true;
  }
  return false;
}

/** Where a store is, by the form of its URI alone; a folder's path is absolute. */
export type StorePlace =
  | { readonly kind: 'sql' | 'server' }
  | { readonly kind: 'folder'; readonly path: string };

/** @throws InvalidInput for a URI that mlts has no store for. */
export function locateStore(uri: string, cwd: string): StorePlace {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase() ?? '';
  switch (scheme.replace(/\+.*$/, '')) {
    case 'sqlite':
    case 'postgresql':
      return { kind: 'sql' };
    case 'http':
    case 'https':
      return { kind: 'server' };
    case 'file':
      return { kind: 'folder', path: pathOfFileUri(uri, cwd) };
    case '':
      if (!isDatabricksUri(uri)) return { kind: 'folder', path: resolve(cwd, uri) };
      break;
  }
  if (!isDatabricksUri(uri)) throw unknownStore(uri, scheme);
  checkDatabricksUri(uri);
  return { kind: 'server' };
}

/**
 * Opens the store that `uri` names; relative paths are taken from `context.cwd`. A new SQLite file, an
 * empty PostgreSQL database and a new folder are made ready, as MLflow makes them.
 *
 * @throws InvalidInput for a URI that mlts has no store for; what the stores throw on opening.
 */
export async function openTrackingStore(uri: string, context: Context): Promise<TrackingStore> {
  const place = locateStore(uri, context.cwd);
  switch (place.kind) {
    case 'sql':
      return openSqlStore(uri, context);
    case 'server': {
      const { RestTrackingStore } = await import('./rest/rest-tracking-store.ts');
      return RestTrackingStore.open(uri, context);
    }
    case 'folder':
      return openFileStore(uri, place.path, context);
  }
}

async function openSqlStore(uri: string, context: Context): Promise<TrackingStore> {
  const { SqlTrackingStore } = await import('./sql/sql-tracking-store.ts');
  const { openSqlConnection } = await import('../sql/open.ts');
  const connection = await openSqlConnection(uri, context);
  const { env, cwd, now, terminal } = context;
  return SqlTrackingStore.open(connection, {
    // MLflow's server tells the processes it starts where artifacts go.
    artifactRoot: resolveLocation(env[variables.artifactRoot] || DEFAULT_ARTIFACT_FOLDER, cwd),
    cwd,
    lengths: readLengthRule(env, terminal.warn),
    now,
  });
}

async function openFileStore(
  uri: string,
  folder: string,
  context: Context,
): Promise<TrackingStore> {
  const { FileTrackingStore } = await import('./file/file-tracking-store.ts');
  const { env, cwd, now, terminal, interrupts } = context;
  return FileTrackingStore.open(folder, {
    uri: resolveLocation(uri, cwd),
    cwd,
    lockFolder: join(cacheDirectory(env), 'locks'),
    lengths: readLengthRule(env, terminal.warn),
    signal: interrupts.force,
    now,
  });
}

/** `file:///abs`, `file:/abs`, `file:rel` and `file://localhost/abs`. */
function pathOfFileUri(uri: string, cwd: string): string {
  const [, host = '', path = ''] = /^file:(?:\/\/([^/]*))?([^?#]*)/is.exec(uri) ?? [];
  if (host !== '' && !/^(localhost|127\.0\.0\.1)/.test(host)) {
    throw new InvalidInput(`\`${uri}\` names a folder on another machine, \`${host}\``, {
      hint: 'write three slashes before an absolute path: file:///data/mlruns',
    });
  }
  return resolve(cwd, unquotePath(path));
}

const MENDS: Readonly<Record<string, string>> = {
  postgres: 'write postgresql:// (MLflow knows no other name for it)',
  mysql:
    'start `mlflow server --backend-store-uri` on it and name that server (http://...) instead',
  mssql:
    'start `mlflow server --backend-store-uri` on it and name that server (http://...) instead',
};

function unknownStore(uri: string, scheme: string): InvalidInput {
  return new InvalidInput(`mlts has no tracking store for \`${redactUrls(uri)}\` (\`${scheme}\`)`, {
    hint:
      MENDS[scheme.replace(/\+.*$/, '')] ??
      'use sqlite:///FILE, postgresql://..., a folder, or the http(s):// address of an MLflow server, or databricks',
  });
}
