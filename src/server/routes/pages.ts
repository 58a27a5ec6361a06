import { MLFLOW_VERSION } from '../../core/mlflow-version.ts';
import type { HttpAnswer } from '../../http/server.ts';
import type { Endpoint } from '../endpoint.ts';

/** What is answered at the root: probes, and a word to people who come by a browser. */
export function listPages(): readonly Endpoint[] {
  return [
    page('/health', 'OK'),
    page('/version', MLFLOW_VERSION),
    page('/', WELCOME, 'text/plain; charset=utf-8'),
  ];
}

const WELCOME = `mlts: a tracking server that speaks MLflow ${MLFLOW_VERSION}'s REST API.

Clients: set MLFLOW_TRACKING_URI to this address.
The API is below /api/2.0/mlflow/, artifacts below /api/2.0/mlflow-artifacts/; /health says whether it runs.
`;

function page(path: string, body: string, type = 'text/html; charset=utf-8'): Endpoint {
  const answer: HttpAnswer = { status: 200, type, body };
  return {
    rpc: `page ${path}`,
    method: 'GET',
    path,
    version: '2.0',
    isForBrowsers: false,
    takesStream: false,
    read: () => ({}),
    answer: async () => answer,
  };
}
