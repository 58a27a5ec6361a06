import { variables } from '../../core/environment-variables.ts';
import type { Context } from '../../host/context.ts';
import type { TrackingStore } from '../store.ts';
import { ANSWER_MS, MOST_NAMES, type StoredName, type StoredNames } from '../stored-names.ts';
import { RestTrackingStore } from './rest-tracking-store.ts';

export async function openNamesOnServer(uri: string, context: Context): Promise<StoredNames> {
  const store = await RestTrackingStore.open(uri, {
    ...context,
    env: withoutPatience(context.env),
  });
  return {
    listExperiments: () => listExperiments(store),
    listRuns: (idPrefix) => listRuns(store, idPrefix),
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

async function listExperiments(store: TrackingStore): Promise<readonly StoredName[]> {
  const page = { view: 'active_only', maxResults: MOST_NAMES } as const;
  return (await store.searchExperiments(page)).items;
}

/** The newest ones only: the API does not search for the beginning of an id. */
async function listRuns(store: TrackingStore, idPrefix: string): Promise<readonly StoredName[]> {
  const experimentIds = (await listExperiments(store)).map(({ id }) => id);
  const page = { view: 'active_only', maxResults: MOST_NAMES } as const;
  const { items } = await store.searchRuns({ ...page, experimentIds });
  return items.map(({ info }) => info).filter(({ id }) => id.startsWith(idPrefix));
}
