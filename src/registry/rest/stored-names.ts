import { variables } from '../../core/environment-variables.ts';
import type { Context } from '../../host/context.ts';
import { openMlflowApi } from '../../host/http/mlflow-api.ts';
import { ANSWER_MS, MOST_NAMES, type StoredModelNames } from '../stored-names.ts';
import { RestRegistryStore } from './rest-registry-store.ts';

export async function openModelNamesOnServer(
  uri: string,
  context: Context,
): Promise<StoredModelNames> {
  const env = withoutPatience(context.env);
  const store = new RestRegistryStore(await openMlflowApi(uri, { ...context, env }));
  return {
    async listModels(prefix) {
      // What means something else in a filter is left to the caller.
      const plain = /^[\w. -]*/.exec(prefix)?.[0] ?? '';
      const filter = plain === '' ? undefined : `name LIKE '${plain}%'`;
      const { items } = await store.searchModels({ filter, maxResults: MOST_NAMES });
      return items.filter(({ name }) => name.startsWith(prefix));
    },
    async listVersions(name) {
      if (name.includes("'")) return [];
      const search = { filter: `name = '${name}'`, orderBy: ['version_number DESC'] };
      return (await store.searchVersions({ ...search, maxResults: MOST_NAMES })).items;
    },
    close: () => store.close(),
  };
}

/** Answered at once or not at all. */
function withoutPatience(env: Context['env']): Context['env'] {
  return {
    ...env,
    [variables.httpRequestTimeout]: String(ANSWER_MS / 1_000),
    [variables.httpRequestMaxRetries]: '0',
  };
}
