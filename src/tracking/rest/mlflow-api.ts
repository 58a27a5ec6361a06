import type { Context } from '../../host/context.ts';
import { createHttpClient, type HttpClient, type JsonObject } from '../../host/http/client.ts';

/** MLflow's REST API, version 2.0: `runs/create` and the like, below `/api/2.0/mlflow/`. */
export interface MlflowApi {
  /** Without credentials. */
  readonly address: string;
  get(endpoint: string, query: Readonly<Record<string, string>>): Promise<JsonObject>;
  /** `isIdempotent`: sending it twice does no harm, so it may be retried whatever went wrong. */
  post(
    endpoint: string,
    body: JsonObject,
    options?: { readonly isIdempotent?: boolean },
  ): Promise<JsonObject>;
  close(): Promise<void>;
}

const PREFIX = '/api/2.0/mlflow/';

/** Errors are those of `host/http/client.ts`. Nothing is sent yet. */
export async function openMlflowApi(uri: string, context: Context): Promise<MlflowApi> {
  const client: HttpClient = await createHttpClient(uri, context, { audience: 'tracking-server' });
  return {
    address: client.address,
    get: (endpoint, query) =>
      client.callJson({ method: 'GET', path: `${PREFIX}${endpoint}`, query }),
    post: (endpoint, json, { isIdempotent = false } = {}) =>
      client.callJson({ method: 'POST', path: `${PREFIX}${endpoint}`, json, isIdempotent }),
    close: () => client.close(),
  };
}
