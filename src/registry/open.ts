import { join } from 'node:path';
import { variables } from '../core/environment-variables.ts';
import type { Context } from '../host/context.ts';
import { cacheDirectory } from '../host/files.ts';
import { locateStore } from '../host/store-place.ts';
import type { SqlUse } from '../sql/connection.ts';
import type { RegistryStore } from './store.ts';

/** MLFLOW_REGISTRY_URI, else where the runs are (`mlflow/tracking/_model_registry/utils.py`). */
export function resolveRegistryUri({ env }: Context, trackingUri: string): string {
  const named = env[variables.registryUri];
  if (named) return named;
  // A workspace's models are in Unity Catalog since MLflow 3.
  return trackingUri.replace(/^databricks(?=:|$)/, 'databricks-uc');
}

/**
 * Opens the registry that `uri` names; relative paths are taken from `context.cwd`. A new SQLite file and
 * an empty PostgreSQL database are made ready, as MLflow makes them; a folder with the first model.
 *
 * @throws InvalidInput for a URI that mlts has no registry for; what the stores throw on opening.
 */
export async function openRegistryStore(
  uri: string,
  context: Context,
  use: SqlUse = {},
): Promise<RegistryStore> {
  const place = locateStore(uri, context.cwd, 'model registry');
  switch (place.kind) {
    case 'sql':
      return openSqlRegistry(uri, context, use);
    case 'server':
      return openServerRegistry(uri, context);
    case 'folder':
      return openFileRegistry(place.path, context);
  }
}

async function openServerRegistry(uri: string, context: Context): Promise<RegistryStore> {
  const { openMlflowApi } = await import('../host/http/mlflow-api.ts');
  const { RestRegistryStore } = await import('./rest/rest-registry-store.ts');
  return new RestRegistryStore(await openMlflowApi(uri, context));
}

async function openSqlRegistry(uri: string, context: Context, use: SqlUse): Promise<RegistryStore> {
  const { openSqlConnection } = await import('../sql/open.ts');
  const { SqlRegistryStore } = await import('./sql/sql-registry-store.ts');
  return new SqlRegistryStore(await openSqlConnection(uri, context, use), () => context.now());
}

async function openFileRegistry(
  path: string,
  { env, interrupts, now }: Context,
): Promise<RegistryStore> {
  const { FileRegistryStore } = await import('./file/file-registry-store.ts');
  const lockFolder = join(cacheDirectory(env), 'locks');
  return new FileRegistryStore(path, { lockFolder, signal: interrupts.force, now });
}

/** Opens the registry beside the tracking store at `trackingUri`, hands it to `work`, and closes it whatever happens. */
export async function withRegistryBeside<T>(
  trackingUri: string,
  context: Context,
  work: (store: RegistryStore) => Promise<T>,
): Promise<T> {
  const store = await openRegistryStore(resolveRegistryUri(context, trackingUri), context);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
