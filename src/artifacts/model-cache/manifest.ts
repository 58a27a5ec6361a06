import { dirname, join } from 'node:path';
import { readTextIfPresent, writeFileAtomically } from '../../host/files.ts';
import { listFiles, makeFolder } from '../../host/folders.ts';
import { hashText, type ModelCache } from './cache.ts';

export interface CachedFile {
  /** Below the model's folder. */
  readonly path: string;
  readonly sizeBytes: number;
  /** As the store told it. */
  readonly version?: string | undefined;
  readonly sha256: string;
}

/** What was found at one source when it was last looked at. */
export interface Manifest {
  /** `identity` of the model, where it lay in one. */
  readonly identity?: string | undefined;
  readonly files: readonly CachedFile[];
  /** Also the empty ones. */
  readonly folders: readonly string[];
  readonly tree: string;
  readonly lastUsedMs: number;
}

/** Two models with the same files are one tree. */
export function hashTree({ files, folders }: Pick<Manifest, 'files' | 'folders'>): string {
  const parts = files.map(({ path, sha256 }) => [path, sha256]).sort();
  return hashText(JSON.stringify([parts, folders.toSorted()]));
}

export function pathOfManifest({ folder }: ModelCache, source: string): string {
  return join(folder, 'sources', `${hashText(source)}.json`);
}

/** Undefined where there is none, or it cannot be read: then all is downloaded again. */
export async function readManifest(path: string): Promise<Manifest | undefined> {
  const text = await readTextIfPresent(path);
  try {
    const manifest = JSON.parse(text ?? 'null') as Partial<Manifest> | null;
    const isWhole = Array.isArray(manifest?.files) && Array.isArray(manifest.folders);
    return isWhole ? (manifest as Manifest) : undefined;
  } catch {
    return undefined;
  }
}

export async function writeManifest(path: string, manifest: Manifest): Promise<void> {
  await makeFolder(dirname(path));
  await writeFileAtomically(path, JSON.stringify(manifest));
}

/** All of them, by their path. */
export async function readManifests({ folder }: ModelCache): Promise<Map<string, Manifest>> {
  const sources = join(folder, 'sources');
  const manifests = new Map<string, Manifest>();
  for (const name of await listFiles(sources)) {
    const manifest = await readManifest(join(sources, name));
    if (manifest !== undefined) manifests.set(join(sources, name), manifest);
  }
  return manifests;
}
