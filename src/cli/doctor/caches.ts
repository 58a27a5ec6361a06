import { join } from 'node:path';
import { findModelCache } from '../../artifacts/model-cache/cache.ts';
import { environmentRoot } from '../../environments/environment-folder.ts';
import { type FolderSize, measureFolder } from '../../host/folder-size.ts';
import type { ProcessContext } from '../../host/process-context.ts';

/** A folder that can be deleted at any time, and is then made again. */
export interface Cache extends FolderSize {
  readonly path: string;
  readonly holds: string;
}

/** Large ones have hundreds of thousands of files; nobody waits longer for a number. */
const PATIENCE_MS = 2_000;

/** Files that environments share by links count in each; models, which are links to their content, once. */
export function measureCaches(context: ProcessContext): Promise<readonly Cache[]> {
  const { env, cacheDirectory } = context;
  const models = findModelCache(context)?.folder;
  const folders = [
    { path: cacheDirectory, holds: 'Git mirrors and compiled code', without: models },
    { path: environmentRoot(env), holds: 'environments, shared with MLflow' },
    ...(models === undefined
      ? []
      : [{ path: models, holds: 'downloaded models', without: join(models, 'trees') }]),
  ];
  return Promise.all(
    folders.map(async ({ without, ...folder }) => ({
      ...folder,
      ...(await measureFolder(folder.path, PATIENCE_MS, without)),
    })),
  );
}
