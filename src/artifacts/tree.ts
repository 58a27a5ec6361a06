import pMap from 'p-map';
import { InvalidInput, MltsError } from '../core/errors.ts';
import { makeFolder } from '../host/folders.ts';
import { joinPath, splitSafely } from './artifact-uri.ts';
import type { ArtifactEntry, ArtifactStore, TreeSize } from './store.ts';
import { type TransferOptions, transferFile } from './transfer.ts';

export interface TreeOptions {
  readonly signal: AbortSignal;
  /** Called as bytes arrive; `expected` is the size of all files, where the store says it. */
  readonly onBytes: (count: number, expected: number | undefined) => void;
  /** Called where a file goes on after it broke off. */
  readonly tell?: (note: string) => void;
  /** Known to be a folder: where nothing is listed, it is an empty one and no file. */
  readonly isFolder?: boolean;
}

/** As many requests at once; each may be a connection of its own. */
const CONCURRENCY = 8;
/** A listing that goes on deeper leads in a circle. */
const DEEPEST = 100;

/**
 * Copies the folder `path` of a store with all below it to the local folder `target`, or, where `path`
 * is a file, that file to `target`. The first failure stops the rest.
 *
 * @throws InvalidInput where a listed path leads out of its folder, and what `transferFile` throws.
 */
export async function fetchTree(
  store: ArtifactStore,
  path: string,
  target: string,
  { signal, onBytes, tell = () => {}, isFolder = false }: TreeOptions,
): Promise<void> {
  const entries = await listTree(store, path, signal);
  if (entries.length === 0 && isFolder) return makeFolder(target);
  const isFile = entries.length === 0;
  const files = isFile ? [{ path, isDirectory: false, sizeBytes: undefined }] : entries;
  const expected = sumSizes(files);
  const stop = new AbortController();
  const options = {
    signal: AbortSignal.any([signal, stop.signal]),
    onBytes: (count: number) => onBytes(count, expected),
    tell,
  };
  const placeOf = (entry: ArtifactEntry): string =>
    isFile ? target : joinPath(target, ...splitSafely(entry.path, path));
  // Each catches its own failure, so that all have settled when this returns.
  await pMap(
    files,
    (entry) =>
      fetchEntry(store, entry, placeOf(entry), options).catch((error) => stop.abort(error)),
    { concurrency: CONCURRENCY },
  );
  signal.throwIfAborted();
  stop.signal.throwIfAborted();
}

async function fetchEntry(
  store: ArtifactStore,
  entry: ArtifactEntry,
  place: string,
  options: TransferOptions,
): Promise<void> {
  options.signal.throwIfAborted();
  if (entry.isDirectory) return makeFolder(place);
  await makeFolder(place.slice(0, place.lastIndexOf('/')));
  await transferFile(store, entry.path, place, options);
}

/** The files of a folder and all below it, or of one file; nothing for what does not exist. */
export async function measureTree(
  store: Pick<ArtifactStore, 'list'>,
  path: string,
  signal: AbortSignal,
): Promise<TreeSize> {
  const below = await listTree(store, path, signal);
  const entries = below.length > 0 || path === '' ? below : await findFile(store, path, signal);
  const files = entries.filter(({ isDirectory }) => !isDirectory);
  const sizeBytes = files.reduce((sum, file) => sum + (file.sizeBytes ?? 0), 0);
  return { files: files.length, sizeBytes };
}

async function findFile(
  store: Pick<ArtifactStore, 'list'>,
  path: string,
  signal: AbortSignal,
): Promise<readonly ArtifactEntry[]> {
  const siblings = await listFolder(
    store,
    path.slice(0, Math.max(0, path.lastIndexOf('/'))),
    signal,
  );
  return siblings.filter((entry) => entry.path === path);
}

/** Files and folders at any depth, level by level; empty for a file. */
export async function listTree(
  store: Pick<ArtifactStore, 'list'>,
  path: string,
  signal: AbortSignal,
): Promise<readonly ArtifactEntry[]> {
  const found: ArtifactEntry[] = [];
  let folders = [path];
  for (let depth = 0; folders.length > 0; depth += 1) {
    if (depth > DEEPEST) throw new InvalidInput(`the folders below \`${path}\` never end`);
    const listings = await pMap(folders, (folder) => listFolder(store, folder, signal), {
      concurrency: CONCURRENCY,
    });
    found.push(...listings.flat());
    folders = listings.flat().flatMap((entry) => (entry.isDirectory ? [entry.path] : []));
  }
  return found;
}

/** Who may read a file may lack the right to list; then it is taken for a file. */
async function listFolder(
  store: Pick<ArtifactStore, 'list'>,
  folder: string,
  signal: AbortSignal,
): Promise<readonly ArtifactEntry[]> {
  try {
    const entries = await store.list(folder, signal);
    for (const entry of entries) splitSafely(entry.path, folder);
    return entries;
  } catch (error) {
    if (error instanceof MltsError && error.code === 'PERMISSION_DENIED') return [];
    throw error;
  }
}

function sumSizes(files: readonly ArtifactEntry[]): number | undefined {
  const sizes = files.filter((file) => !file.isDirectory).map((file) => file.sizeBytes);
  if (sizes.includes(undefined)) return undefined;
  return sizes.reduce((sum: number, size) => sum + (size ?? 0), 0);
}
