import { posix } from 'node:path';
import { NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { kindOf } from '../host/files.ts';
import { removeFolder } from '../host/folders.ts';
import { makeTemporaryFolder } from '../host/temporary-folder.ts';
import { isLocal, resolveLocalPath, showUri } from './artifact-uri.ts';
import { showSize } from './byte-size.ts';
import { findLocal } from './find-local.ts';
import { type LocatedPlace, locateArtifact } from './locate.ts';
import { findModelCache, type ModelCache, nameSource } from './model-cache/cache.ts';
import { fillFromSource } from './model-cache/fill.ts';
import { openArtifactStore } from './open.ts';
import type { ArtifactResolver, ModelLocation } from './store.ts';
import { fetchTree } from './tree.ts';

export interface FetchOptions {
  /** False: whatever the environment says, all of it is downloaded, into a new folder below `$TMPDIR`. */
  readonly usesCache?: boolean;
}

export interface FetchedModel {
  /** For reading only. */
  readonly folder: string;
  /** Set where `uri` stands for a registered model version. */
  readonly registered: ModelLocation['registered'];
}

/**
 * The local folder with the model that `uri` names: `models:/...`, `runs:/RUN/name`, or the address of its
 * folder. One that lies on this machine is left where it is; any other is downloaded into the cache of
 * models, from which it comes the next time, unless it has changed.
 *
 * @throws NotFound, Unavailable, InvalidInput; MltsError NOT_IMPLEMENTED for a scheme that mlts cannot
 * read; Interrupted, with nothing left behind.
 */
export async function fetchModel(
  uri: string,
  context: Context,
  resolver: ArtifactResolver,
  options: FetchOptions = {},
): Promise<FetchedModel> {
  if (isLocal(uri)) return { folder: await findLocal(uri, context), registered: undefined };
  const { places, registered } = await locateArtifact(uri, resolver);
  const fetching = { context, trackingUri: resolver.trackingUri, ...options };
  return { folder: await fetchFirst(uri, places, fetching), registered };
}

export interface Fetching extends FetchOptions {
  readonly context: Context;
  readonly trackingUri: string;
}

/** The folder of `fetchModel`, from the first of these places at which there is something. */
export async function fetchFirst(
  uri: string,
  places: readonly LocatedPlace[],
  fetching: Fetching,
): Promise<string> {
  for (const [index, place] of places.entries()) {
    try {
      return await fetchPlace(uri, place, fetching);
    } catch (error) {
      if (index === places.length - 1 || !(error instanceof NotFound)) throw error;
    }
  }
  throw new NotFound(`${showUri(uri)} does not exist`);
}

async function fetchPlace(uri: string, place: LocatedPlace, fetching: Fetching): Promise<string> {
  if (isLocal(place.base)) return findPlace(place, fetching.context);
  const { context, usesCache = true } = fetching;
  const cache = usesCache ? findModelCache(context) : undefined;
  return context.terminal.progress(`downloading ${showUri(uri)}`, (update) => {
    let received = 0;
    const onBytes = (count: number): void => {
      received += count;
      update(`downloading ${showUri(uri)}: ${showSize(received)}`);
    };
    return download(cache, place, fetching, onBytes);
  });
}

async function findPlace({ base, path }: LocatedPlace, { cwd }: Context): Promise<string> {
  const folder = posix.join(resolveLocalPath(base, cwd), path);
  if ((await kindOf(folder)) !== undefined) return folder;
  throw new NotFound(`${folder} does not exist`);
}

async function download(
  cache: ModelCache | undefined,
  { base, path, identity }: LocatedPlace,
  { context, trackingUri }: Fetching,
  onBytes: (count: number) => void,
): Promise<string> {
  const store = await openArtifactStore(base, context, trackingUri);
  try {
    if (cache === undefined) return await downloadAnew(store, path, context, onBytes);
    const tell = context.terminal.note;
    const source = nameSource({ base, path }, trackingUri);
    return await fillFromSource(cache, { source, store, path, identity, onBytes, tell }, context);
  } finally {
    await store.close();
  }
}

async function downloadAnew(
  store: Awaited<ReturnType<typeof openArtifactStore>>,
  path: string,
  context: Context,
  onBytes: (count: number) => void,
): Promise<string> {
  const folder = await makeTemporaryFolder('mlts-model-', context.env);
  const { signal } = context.interrupts;
  const target = posix.join(folder, 'model');
  try {
    await fetchTree(store, path, target, { signal, onBytes, tell: context.terminal.note });
    return target;
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}
