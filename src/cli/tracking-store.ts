import type { Context } from '../host/context.ts';
import type { TrackingStore } from '../tracking/store.ts';

/** Opens the store that the environment names, hands it to `work`, and closes it whatever happens. */
export async function withTrackingStore<T>(
  context: Context,
  work: (store: TrackingStore) => Promise<T>,
): Promise<T> {
  const { openTrackingStore, resolveTrackingUri } = await import('../tracking/open.ts');
  const store = await openTrackingStore(await resolveTrackingUri(context), context);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
