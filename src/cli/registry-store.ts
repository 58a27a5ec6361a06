import type { Context } from '../host/context.ts';
import type { RegistryStore } from '../registry/store.ts';

/** Opens the registry that the environment names, hands it to `work`, and closes it whatever happens. */
export async function withRegistryStore<T>(
  context: Context,
  work: (store: RegistryStore) => Promise<T>,
): Promise<T> {
  const { resolveTrackingUri } = await import('../tracking/open.ts');
  const { openRegistryStore, resolveRegistryUri } = await import('../registry/open.ts');
  const uri = resolveRegistryUri(context, await resolveTrackingUri(context));
  const store = await openRegistryStore(uri, context);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
