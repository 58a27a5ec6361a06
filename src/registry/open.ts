import { variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import type { Context } from '../host/context.ts';
import { checkDatabricksUri, isDatabricksUri } from '../host/http/databricks.ts';
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
 * an empty PostgreSQL database are made ready, as MLflow makes them.
 *
 * @throws InvalidInput for a URI that mlts has no registry for; what the stores throw on opening.
 */
export async function openRegistryStore(uri: string, context: Context): Promise<RegistryStore> {
  if (isDatabricksUri(uri)) {
    checkDatabricksUri(uri);
    return openServerRegistry(uri, context);
  }
  const scheme = /^([a-z]+)(?:\+\w+)?:/i.exec(uri)?.[1]?.toLowerCase() ?? '';
  switch (scheme) {
    case 'sqlite':
    case 'postgresql':
      return openSqlRegistry(uri, context);
    case 'http':
    case 'https':
      return openServerRegistry(uri, context);
    default:
      throw new InvalidInput(`mlts has no model registry for \`${redactUrls(uri)}\``, {
        hint: `name one in ${variables.registryUri}: sqlite:///FILE, postgresql://..., or the http(s):// address of an MLflow server`,
      });
  }
}

async function openServerRegistry(uri: string, context: Context): Promise<RegistryStore> {
  const { openMlflowApi } = await import('../host/http/mlflow-api.ts');
  const { RestRegistryStore } = await import('./rest/rest-registry-store.ts');
  return new RestRegistryStore(await openMlflowApi(uri, context));
}

async function openSqlRegistry(uri: string, context: Context): Promise<RegistryStore> {
  const { openSqlConnection } = await import('../sql/open.ts');
  const { SqlRegistryStore } = await import('./sql/sql-registry-store.ts');
  return new SqlRegistryStore(await openSqlConnection(uri, context), () => context.now());
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
