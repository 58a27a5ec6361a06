import { MltsError } from '../../core/errors.ts';
import type { Context } from '../context.ts';
import { createHttpClient, type HttpClient } from './client.ts';
import { findDatabricksServer, isDatabricksUri } from './databricks.ts';

/**
 * A client for the server that a tracking or registry URI names, with the credentials meant for it. Nothing
 * is sent yet.
 *
 * @throws as `createHttpClient` and `findDatabricksServer`.
 */
export async function openMlflowServer(uri: string, context: Context): Promise<HttpClient> {
  if (!isDatabricksUri(uri)) return createHttpClient(uri, context, { audience: 'tracking-server' });
  const { url, login } = await findDatabricksServer(uri, context.env);
  const client = await createHttpClient(url, context, { audience: 'anyone', login });
  const explain = (error: unknown): never => {
    throw explainRefusal(error, client.address);
  };
  return {
    ...client,
    open: (request) => client.open(request).catch(explain),
    callJson: (request) => client.callJson(request).catch(explain),
  };
}

/** Databricks answers 403 to a token that it does not know, and 401 to none. */
function explainRefusal(error: unknown, address: string): unknown {
  const isRefusal =
    error instanceof MltsError && ['PERMISSION_DENIED', 'UNAUTHENTICATED'].includes(error.code);
  if (!isRefusal) return error;
  return new MltsError(error.code, `${address}: ${error.message}`, {
    hint: 'check DATABRICKS_TOKEN, or the profile in ~/.databrickscfg: a token may have expired, or lack the right',
    cause: error,
  });
}
