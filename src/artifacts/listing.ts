import { NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { openArtifactStore } from './open.ts';
import type { ArtifactEntry, ArtifactResolver } from './store.ts';

/**
 * What lies directly in a folder of a run, sorted by path; nothing for a file, and for what does not
 * exist (`ArtifactRepository.list_artifacts`).
 */
export async function listArtifacts(
  runId: string,
  path: string,
  context: Context,
  { trackingUri, artifactUriOfRun }: ArtifactResolver,
): Promise<readonly ArtifactEntry[]> {
  const store = await openArtifactStore(await artifactUriOfRun(runId), context, trackingUri);
  try {
    const entries = await store.list(path, context.interrupts.signal).catch((error: unknown) => {
      if (path !== '' && error instanceof NotFound) return [];
      throw error;
    });
    return entries.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  } finally {
    await store.close();
  }
}
