import type { Context } from '../host/context.ts';
import type { RegistryStore } from '../registry/store.ts';

/** Opens the registry that the environment names, hands it to `work`, and closes it whatever happens. */
export async function withRegistryStore<T>(
  context: Context,
  work: (store: RegistryStore) => Promise<T>,
): Promise<T> {
  const { resolveTrackingUri } = await import('../tracking/open.ts');
  const { withRegistryBeside } = await import('../registry/open.ts');
  return withRegistryBeside(await resolveTrackingUri(context), context, work);
}
