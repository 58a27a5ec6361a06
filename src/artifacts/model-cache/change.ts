import type { Context } from '../../host/context.ts';
import { removeFolder } from '../../host/folders.ts';
import { type ModelCache, withSourceLock } from './cache.ts';
import { pathOfManifest } from './manifest.ts';

/**
 * Runs `work`, which changes what lies at `source`. What the cache knows of it is forgotten before, so that it
 * stays forgotten however `work` ends: where a store has no versions of files, a file of the same size would be
 * taken for the old one. Nobody downloads the source meanwhile.
 */
export async function changeSource<T>(
  cache: ModelCache | undefined,
  source: string,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  if (cache === undefined) return work();
  return withSourceLock(cache, source, context, async () => {
    await removeFolder(pathOfManifest(cache, source));
    return work();
  });
}
