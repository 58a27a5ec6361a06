import { join } from 'node:path';
import pMap from 'p-map';
import { variables } from '../../core/environment-variables.ts';
import { InvalidInput, NotFound } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { explainCode } from '../../host/file-error.ts';
import { sizeOfFile } from '../../host/file-transfer.ts';
import { makePrivateFolder, removeFolder } from '../../host/folders.ts';
import { hashFile } from '../../host/sealed-file.ts';
import { joinPath, splitSafely } from '../artifact-uri.ts';
import type { ArtifactEntry, ArtifactStore } from '../store.ts';
import { transferFile } from '../transfer.ts';
import { listTree } from '../tree.ts';
import { hashText, type ModelCache, withSourceLock } from './cache.ts';
import { type CommittedFile, commitModel } from './commit.ts';
import { type CachedFile, type Manifest, pathOfManifest, readManifest } from './manifest.ts';

/** As many files at once; each may be a connection of its own. */
const CONCURRENCY = 8;

/** A folder in a store, and where its content is kept. */
export interface CachedSource {
  /** Without credentials. */
  readonly source: string;
  readonly store: ArtifactStore;
  readonly path: string;
  /** Another text when the model is another one. */
  readonly identity: string | undefined;
  /** Called as bytes arrive; negative where some are thrown away. */
  readonly onBytes: (count: number) => void;
  /** Says what is tried again. */
  readonly tell?: ((note: string) => void) | undefined;
}

/**
 * The local folder with what lies at the source: what the cache lacks, or what has changed, is downloaded.
 * The folder must not be written to.
 *
 * @throws NotFound where no folder is at the source; what `transferFile` throws, with nothing half kept.
 */
export async function fillFromSource(
  cache: ModelCache,
  source: CachedSource,
  context: Context,
): Promise<string> {
  await makeCacheFolder(cache);
  return withSourceLock(cache, source.source, context, async () => {
    const { signal } = context.interrupts;
    const entries = await listTree(source.store, source.path, signal);
    if (entries.length === 0) throw new NotFound(`there is no model at ${source.source}`);
    const known = await readManifest(pathOfManifest(cache, source.source));
    const kept = await fill(cache, source, entries, known, context);
    // Damaged or gone: once more, with everything from the store.
    const folder = kept ?? (await fill(cache, source, entries, undefined, context));
    if (folder !== undefined) return folder;
    throw new NotFound(`the model from ${source.source} vanished from ${cache.folder}`);
  });
}

async function makeCacheFolder({ folder }: ModelCache): Promise<void> {
  await makePrivateFolder(folder).catch((cause: unknown) => {
    throw new InvalidInput(`cannot make the folder ${folder}: ${explainCode(cause)}`, {
      hint: `name another one with ${variables.modelCache}, or set it to \`off\``,
      cause,
    });
  });
}

async function fill(
  cache: ModelCache,
  source: CachedSource,
  entries: readonly ArtifactEntry[],
  known: Manifest | undefined,
  context: Context,
): Promise<string | undefined> {
  const incoming = join(cache.folder, 'incoming', hashText(source.source));
  // Left by a process that was killed.
  await removeFolder(incoming);
  await makePrivateFolder(incoming);
  try {
    const below = (entry: ArtifactEntry): string =>
      joinPath(...splitSafely(entry.path, source.path));
    const files = entries.filter(({ isDirectory }) => !isDirectory);
    const kept = new Map(known?.files.map((file) => [file.path, file]));
    const isSame = known?.identity !== undefined && known.identity === source.identity;
    const committed = await mapAll(files, context.interrupts.signal, (entry, index, signal) => {
      const old = kept.get(below(entry));
      if (old !== undefined && isUnchanged(entry, old, isSame)) return Promise.resolve(old);
      const arrived = join(incoming, String(index));
      return fetchFile(source, entry, { path: below(entry), arrived, signal });
    });
    const folders = entries.filter(({ isDirectory }) => isDirectory).map(below);
    const { identity } = source;
    const commit = { source: source.source, identity, folders, files: committed };
    return await commitModel(cache, commit, context);
  } finally {
    await removeFolder(incoming);
  }
}

/** Where the store has no versions of files, the model they are in must be the same. */
function isUnchanged(entry: ArtifactEntry, old: CachedFile, isSameModel: boolean): boolean {
  if (entry.sizeBytes !== undefined && entry.sizeBytes !== old.sizeBytes) return false;
  return entry.version === undefined ? isSameModel : entry.version === old.version;
}

async function fetchFile(
  { store, onBytes, tell }: CachedSource,
  entry: ArtifactEntry,
  target: { readonly path: string; readonly arrived: string; readonly signal: AbortSignal },
): Promise<CommittedFile> {
  const { path, arrived, signal } = target;
  await transferFile(store, entry.path, arrived, {
    signal,
    onBytes,
    ...(tell === undefined ? {} : { tell }),
  });
  const sizeBytes = (await sizeOfFile(arrived)) ?? 0;
  // It was replaced since it was listed: what was listed is not the version of this content.
  const isListed = entry.sizeBytes === undefined || entry.sizeBytes === sizeBytes;
  const version = isListed ? entry.version : undefined;
  return { path, sizeBytes, version, sha256: await hashFile(arrived, signal), arrived };
}

/** The first failure stops the rest; all have settled when this returns. */
async function mapAll<Item, Result>(
  items: readonly Item[],
  interrupt: AbortSignal,
  work: (item: Item, index: number, signal: AbortSignal) => Promise<Result>,
): Promise<readonly Result[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([interrupt, stop.signal]);
  const results = await pMap(
    items,
    async (item, index) => {
      if (signal.aborted) return undefined;
      return work(item, index, signal).catch((error: unknown) => {
        stop.abort(error);
        return undefined;
      });
    },
    { concurrency: CONCURRENCY },
  );
  interrupt.throwIfAborted();
  stop.signal.throwIfAborted();
  return results.filter((result) => result !== undefined);
}
