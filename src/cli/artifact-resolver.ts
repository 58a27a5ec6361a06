import type { ArtifactResolver } from '../artifacts/store.ts';
import type { Context } from '../host/context.ts';
import { withTrackingStore } from './tracking-store.ts';

/** Hands `work` what finds artifacts through the stores that the environment names. */
export async function withArtifactResolver<T>(
  context: Context,
  work: (resolver: ArtifactResolver) => Promise<T>,
): Promise<T> {
  const { createArtifactResolver } = await import('../artifacts/resolver.ts');
  return withTrackingStore(context, (store) =>
    work(
      createArtifactResolver(store, async (ask) => {
        const { withRegistryBeside } = await import('../registry/open.ts');
        return withRegistryBeside(store.uri, context, ask);
      }),
    ),
  );
}
