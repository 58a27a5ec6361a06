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
  return createHttpClient(url, context, { audience: 'anyone', login });
}
