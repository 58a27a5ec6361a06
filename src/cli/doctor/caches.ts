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

/** Files that environments share by links count in each. */
export function measureCaches({ env, cacheDirectory }: ProcessContext): Promise<readonly Cache[]> {
  const folders = [
    { path: cacheDirectory, holds: 'Git mirrors and compiled code' },
    { path: environmentRoot(env), holds: 'environments, shared with MLflow' },
  ];
  return Promise.all(
    folders.map(async (folder) => ({
      ...folder,
      ...(await measureFolder(folder.path, PATIENCE_MS)),
    })),
  );
}
