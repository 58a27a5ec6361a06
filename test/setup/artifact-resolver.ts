import { createArtifactResolver } from '../../src/artifacts/resolver.ts';
import type { ArtifactResolver } from '../../src/artifacts/store.ts';
import { NotFound } from '../../src/core/errors.ts';
import type { Context } from '../../src/host/context.ts';
import { withRegistryBeside } from '../../src/registry/open.ts';
import { openTrackingStore } from '../../src/tracking/open.ts';

/** Knows runs, whose artifacts all lie at `artifactUri`, and no models. */
export function resolveRunsTo(artifactUri: string): ArtifactResolver {
  return {
    trackingUri: 'sqlite:///mlflow.db',
    artifactUriOfRun: async () => artifactUri,
    findModelOfRun: async () => undefined,
    locateModel: async () => {
      throw new NotFound('there are no models');
    },
  };
}

/** Asks the stores that `uri` and MLFLOW_REGISTRY_URI name. */
export async function withResolver<T>(
  uri: string,
  context: Context,
  work: (resolver: ArtifactResolver) => Promise<T>,
): Promise<T> {
  const store = await openTrackingStore(uri, context);
  try {
    const resolver = createArtifactResolver(store, (ask) => withRegistryBeside(uri, context, ask));
    return await work(resolver);
  } finally {
    await store.close();
  }
}
