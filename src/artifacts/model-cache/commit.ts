import { join } from 'node:path';
import type { Context } from '../../host/context.ts';
import { makeFolder, moveFolder, removeFolder } from '../../host/folders.ts';
import { isSealed, linkSealedFile, sealFile } from '../../host/sealed-file.ts';
import { type ModelCache, pathOfBlob, pathOfTree, withCacheLock } from './cache.ts';
import { evictModels } from './eviction.ts';
import {
  type CachedFile,
  hashTree,
  type Manifest,
  pathOfManifest,
  writeManifest,
} from './manifest.ts';

/** A file of the model: one that has just arrived, or one that should be in the cache already. */
export interface CommittedFile extends CachedFile {
  /** Where it has arrived. */
  readonly arrived?: string;
}

export interface Commit extends Pick<Manifest, 'identity' | 'folders'> {
  readonly source: string;
  readonly files: readonly CommittedFile[];
}

/**
 * Puts what has arrived into the cache, and the model together as a folder, whose path it returns.
 * Undefined where a file that should be there is gone or was written to: then it must be downloaded.
 */
export async function commitModel(
  cache: ModelCache,
  commit: Commit,
  context: Context,
): Promise<string | undefined> {
  return withCacheLock(cache, context, async () => {
    for (const file of commit.files) {
      if (!(await placeBlob(cache, file))) return undefined;
    }
    const files = commit.files.map(({ arrived: _, ...file }) => file);
    const tree = hashTree({ ...commit, files });
    const { identity, folders } = commit;
    await placeTree(cache, tree, { files, folders });
    const manifest = { identity, folders, files, tree, lastUsedMs: context.now() };
    await writeManifest(pathOfManifest(cache, commit.source), manifest);
    await evictModels(cache, context.now());
    return pathOfTree(cache, tree);
  });
}

/** False where the blob is not there, and did not arrive. */
async function placeBlob(
  cache: ModelCache,
  { sha256, sizeBytes, arrived }: CommittedFile,
): Promise<boolean> {
  const blob = pathOfBlob(cache, sha256);
  if (await isSealed(blob, sizeBytes)) return true;
  if (arrived === undefined) return false;
  await sealFile(arrived, blob);
  return true;
}

type Tree = Pick<Manifest, 'files' | 'folders'>;

async function placeTree(cache: ModelCache, tree: string, content: Tree): Promise<void> {
  const folder = pathOfTree(cache, tree);
  if (await isWhole(folder, content)) return;
  const partial = `${folder}.partial`;
  await removeFolder(partial);
  await makeFolder(partial);
  for (const path of content.folders) await makeFolder(join(partial, path));
  for (const { path, sha256 } of content.files) {
    await linkSealedFile(pathOfBlob(cache, sha256), join(partial, path));
  }
  await removeFolder(folder);
  await moveFolder(partial, folder);
}

async function isWhole(folder: string, { files }: Tree): Promise<boolean> {
  if (files.length === 0) return false;
  for (const { path, sizeBytes } of files) {
    if (!(await isSealed(join(folder, path), sizeBytes))) return false;
  }
  return true;
}
