import type { Context } from '../context.ts';
import type { HttpClient, HttpQuery, JsonObject } from './client.ts';
import { openMlflowServer } from './mlflow-server.ts';

/** MLflow's REST API: `runs/create` and the like, below `/api/2.0/mlflow/`. */
export interface MlflowApi {
  /** Without credentials. */
  readonly address: string;
  get(endpoint: string, query: HttpQuery): Promise<JsonObject>;
  /** `isIdempotent`: sending it twice does no harm, so it may be retried whatever went wrong. */
  post(
    endpoint: string,
    body: JsonObject,
    options?: { readonly isIdempotent?: boolean; readonly version?: '2.0' | '3.0' },
  ): Promise<JsonObject>;
  /** These two may be sent twice. */
  patch(endpoint: string, body: JsonObject): Promise<JsonObject>;
  delete(endpoint: string, body: JsonObject): Promise<JsonObject>;
  close(): Promise<void>;
}

const PREFIX = '/api/2.0/mlflow/';
const PREFIX_3 = '/api/3.0/mlflow/';

/** Errors are those of `host/http/client.ts`. Nothing is sent yet. */
export async function openMlflowApi(uri: string, context: Context): Promise<MlflowApi> {
  const client: HttpClient = await openMlflowServer(uri, context);
  const send = (
    method: 'POST' | 'PATCH' | 'DELETE',
    endpoint: string,
    json: JsonObject,
    isIdempotent: boolean,
    prefix = PREFIX,
  ) => client.callJson({ method, path: `${prefix}${endpoint}`, json, isIdempotent });
  return {
    address: client.address,
    get: (endpoint, query) =>
      client.callJson({ method: 'GET', path: `${PREFIX}${endpoint}`, query }),
    post: (endpoint, json, { isIdempotent = false, version = '2.0' } = {}) =>
      send('POST', endpoint, json, isIdempotent, version === '3.0' ? PREFIX_3 : PREFIX),
    patch: (endpoint, json) => send('PATCH', endpoint, json, true),
    delete: (endpoint, json) => send('DELETE', endpoint, json, true),
    close: () => client.close(),
  };
}
