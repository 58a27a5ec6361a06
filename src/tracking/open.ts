import { join } from 'node:path';
import { quotePath, resolveLocation, toFileUri } from '../core/artifact-location.ts';
import { variables } from '../core/environment-variables.ts';
import type { Context } from '../host/context.ts';
import { cacheDirectory, kindOf } from '../host/files.ts';
import { listNames } from '../host/folders.ts';
import { locateStore } from '../host/store-place.ts';
import type { SqlUse } from '../sql/connection.ts';
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

/**
 * Opens the store that `uri` names; relative paths are taken from `context.cwd`. A new SQLite file, an
 * empty PostgreSQL database and a new folder are made ready, as MLflow makes them.
 *
 * @throws InvalidInput for a URI that mlts has no store for; what the stores throw on opening.
 */
export async function openTrackingStore(
  uri: string,
  context: Context,
  use: SqlUse = {},
): Promise<TrackingStore> {
  const place = locateStore(uri, context.cwd);
  switch (place.kind) {
    case 'sql':
      return openSqlStore(uri, context, use);
    case 'server': {
      const { RestTrackingStore } = await import('./rest/rest-tracking-store.ts');
      return RestTrackingStore.open(uri, context);
    }
    case 'folder':
      return openFileStore(uri, place.path, context, use);
  }
}

async function openSqlStore(uri: string, context: Context, use: SqlUse): Promise<TrackingStore> {
  const { SqlTrackingStore } = await import('./sql/sql-tracking-store.ts');
  const { openSqlConnection } = await import('../sql/open.ts');
  const connection = await openSqlConnection(uri, context, use);
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
  { isServer = false }: SqlUse,
): Promise<TrackingStore> {
  const { FileTrackingStore } = await import('./file/file-tracking-store.ts');
  const { env, cwd, now, terminal, interrupts } = context;
  const own = resolveLocation(uri, cwd);
  const root = isServer ? env[variables.artifactRoot] : undefined;
  return FileTrackingStore.open(folder, {
    uri: own,
    // As MLflow: a folder that nobody serves keeps its artifacts itself, whatever a server above says.
    artifactRoot: root ? resolveLocation(root, cwd) : own,
    cwd,
    lockFolder: join(cacheDirectory(env), 'locks'),
    lengths: readLengthRule(env, terminal.warn),
    signal: interrupts.force,
    now,
  });
}
