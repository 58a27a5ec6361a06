import { join, resolve } from 'node:path';
import type { Context } from '../host/context.ts';
import { makeFolder, removeFolder } from '../host/folders.ts';
import { makeTemporaryFolder, makeUniqueFolder } from '../host/temporary-folder.ts';
import type { TrackingStore } from '../tracking/store.ts';
import type { ResolvedParameters } from './parameters.ts';

/** Values as the command gets them, all of them local. Disposing removes downloads nobody asked to keep. */
export interface LocalParameters extends AsyncDisposable {
  readonly values: ReadonlyMap<string, string>;
}

/**
 * Downloads what `path` parameters name by URI: each into a `param_<position>` of its own below a new
 * folder in `storageDirectory`, which stays, or else in a temporary folder, which goes with the run
 * (`mlflow/projects/utils.py`, `_get_storage_dir`; MLflow leaves both).
 */
export async function localizeParameters(
  { values, downloads }: ResolvedParameters,
  storageDirectory: string | undefined,
  store: TrackingStore,
  context: Context,
): Promise<LocalParameters> {
  if (downloads.length === 0) return { values, async [Symbol.asyncDispose]() {} };
  const folder = await makeStorageFolder(storageDirectory, context);
  const dispose = async (): Promise<void> => {
    if (storageDirectory === undefined) await removeFolder(folder);
  };
  try {
    const local = new Map(values);
    const { downloadArtifact } = await import('../artifacts/download.ts');
    const { createArtifactResolver } = await import('../artifacts/resolver.ts');
    const { withRegistryBeside } = await import('../registry/open.ts');
    const resolver = createArtifactResolver(store, (ask) =>
      withRegistryBeside(store.uri, context, ask),
    );
    for (const download of downloads) {
      const target = join(folder, download.folder);
      local.set(download.name, await downloadArtifact(download.uri, target, context, resolver));
    }
    return { values: local, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function makeStorageFolder(
  storageDirectory: string | undefined,
  { cwd, env }: Context,
): Promise<string> {
  const prefix = 'mlts-storage-';
  if (storageDirectory === undefined) return makeTemporaryFolder(prefix, env);
  const parent = resolve(cwd, storageDirectory);
  await makeFolder(parent, 'name another one with --storage-dir');
  return makeUniqueFolder(parent, prefix);
}
