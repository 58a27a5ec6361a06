import { integer, text } from '../checks.ts';
import { type Endpoint, rpc } from '../endpoint.ts';
import { writeRegisteredModel } from '../registry-wire.ts';
import type { Services } from '../services.ts';
import { VIEWS, viewType } from '../shared-fields.ts';
import { writeExperiment, writeList, writeToken } from '../wire.ts';

const LISTED = 1_000;
const LIST_FIELDS = { max_results: 'int64', page_token: 'string' } as const;
const LIST_CHECKS = { max_results: { ...integer, most: 50_000 }, page_token: text } as const;

/** What clients of MLflow 1.x ask for and servers of 2.0 no longer have. */
export function listOlderEndpoints({ tracking, registry }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'searchExperiments',
      method: 'GET',
      path: '/mlflow/experiments/list',
      fields: { ...LIST_FIELDS, view_type: viewType },
      checks: LIST_CHECKS,
      handle: async ({ max_results: maxResults = LISTED, page_token: pageToken, ...sent }) => {
        const view = VIEWS[sent.view_type ?? 'ACTIVE_ONLY'];
        const page = await tracking.searchExperiments({ maxResults, pageToken, view });
        const { items, nextPageToken } = page;
        return {
          ...writeList('experiments', items, writeExperiment),
          ...writeToken(nextPageToken),
        };
      },
    }),
    rpc({
      rpc: 'searchRegisteredModels',
      method: 'GET',
      path: '/mlflow/registered-models/list',
      fields: LIST_FIELDS,
      checks: LIST_CHECKS,
      handle: async ({ max_results: maxResults = LISTED, page_token: pageToken }) => {
        const { items, nextPageToken } = await registry.searchModels({ maxResults, pageToken });
        const models = writeList('registered_models', items, writeRegisteredModel);
        return { ...models, ...writeToken(nextPageToken) };
      },
    }),
  ].map(withLimit);
}

/** What looks at the message before the handler does knows of the limit too. */
function withLimit(endpoint: Endpoint): Endpoint {
  return {
    ...endpoint,
    read: (request, values) => ({ max_results: LISTED, ...endpoint.read(request, values) }),
  };
}

/** MLflow 1.x knows the model registry below `/preview` only. */
export function addPreviews(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const registry = endpoints.filter(({ path }) =>
    /^\/mlflow\/(registered-models|model-versions)\//.test(path),
  );
  return [...endpoints, ...registry.map((each) => ({ ...each, path: `/preview${each.path}` }))];
}
