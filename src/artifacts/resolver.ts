import type { Context } from '../host/context.ts';
import type { TrackingStore } from '../tracking/store.ts';
import type { ArtifactResolver } from './store.ts';

/** Where runs and models lie: the store knows runs; models are known to a server only. */
export async function createArtifactResolver(
  store: TrackingStore,
  context: Context,
): Promise<ArtifactResolver> {
  const base = {
    trackingUri: store.uri,
    artifactUriOfRun: async (runId: string) => (await store.getRun(runId)).info.artifactUri,
  };
  if (!/^(https?|databricks):|^databricks$/.test(store.uri)) return base;
  const { createServerModelFinder } = await import('./server-models.ts');
  return { ...base, ...createServerModelFinder(store.uri, context) };
}
