import { join } from 'node:path';
import { removeFile } from '../../host/file-tree.ts';
import { listNames, removeFolder } from '../../host/folders.ts';
import { type ModelCache, pathOfBlob, pathOfTree } from './cache.ts';
import { type Manifest, readManifests } from './manifest.ts';

/** What was used so lately may be just read by a program that loads it. */
const KEPT_MS = 3_600_000;

/**
 * Removes what was not used for the longest time until the rest is within the limit, and whatever no source
 * knows any more, such as what a process that was killed has left. The cache lock must be held.
 */
export async function evictModels(cache: ModelCache, nowMs: number): Promise<void> {
  const manifests = await readManifests(cache);
  const oldestFirst = [...manifests].sort(([, a], [, b]) => a.lastUsedMs - b.lastUsedMs);
  for (const [path, { lastUsedMs }] of oldestFirst) {
    if (sumSizes(manifests.values()) <= cache.limitBytes || nowMs - lastUsedMs < KEPT_MS) break;
    manifests.delete(path);
    await removeFile(path);
  }
  await removeUnknown(cache, [...manifests.values()]);
}

function sumSizes(manifests: Iterable<Manifest>): number {
  const sizes = new Map<string, number>();
  for (const { files } of manifests) {
    for (const { sha256, sizeBytes } of files) sizes.set(sha256, sizeBytes);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function removeUnknown(cache: ModelCache, known: readonly Manifest[]): Promise<void> {
  const trees = new Set(known.map(({ tree }) => tree));
  const blobs = new Set(known.flatMap(({ files }) => files.map(({ sha256 }) => sha256)));
  for (const name of await listNames(join(cache.folder, 'trees'))) {
    if (!trees.has(name)) await removeFolder(pathOfTree(cache, name));
  }
  for (const name of await listNames(join(cache.folder, 'blobs'))) {
    if (!blobs.has(name)) await removeFile(pathOfBlob(cache, name));
  }
}
