import { join, resolve } from 'node:path';
import { NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { mergeInto } from '../host/file-placement.ts';
import { kindOf } from '../host/files.ts';
import { makeFolder, removeFolder } from '../host/folders.ts';
import { makeTemporaryFolder } from '../host/temporary-folder.ts';
import { isLocal, parseRunUri, resolveLocalPath, schemeOf, showUri } from './artifact-uri.ts';
import { downloadFirst } from './download.ts';
import { type FetchOptions, fetchFirst } from './fetch-model.ts';
import { findLocal } from './find-local.ts';
import { type LocatedArtifact, locateArtifact } from './locate.ts';
import { findModelCache } from './model-cache/cache.ts';
import { parseModelUri } from './model-uri.ts';
import type { ArtifactResolver } from './store.ts';

/**
 * Brings the artifact that `uri` names into `destination` and returns its absolute local path
 * (`mlflow.artifacts.download_artifacts`). What is there already is replaced file by file. All of a run or
 * of a model, and a folder that is named with a `/` behind it, comes without a folder of its own.
 *
 * Without a destination, what lies on this machine is left where it is, and all else goes into a new
 * folder below `$TMPDIR`. Models come by way of their cache.
 *
 * @throws as `downloadArtifact`.
 */
export async function deliverArtifact(
  uri: string,
  destination: string | undefined,
  context: Context,
  resolver: ArtifactResolver,
  options: FetchOptions = {},
): Promise<string> {
  const artifact = isLocal(uri) ? undefined : await locateArtifact(uri, resolver);
  if (destination === undefined) {
    const local = await findHere(uri, artifact, context);
    if (local !== undefined) return local;
  }
  const located = artifact ?? (await locateArtifact(await findLocal(uri, context), resolver));
  const content = await throughCache(uri, located, context, resolver, options);
  const delivery = { uri, artifact: nameAsAsked(uri, content), context, resolver };
  if (destination !== undefined) return deliver(delivery, resolve(context.cwd, destination));
  const folder = await makeTemporaryFolder('mlts-artifacts-', context.env);
  return deliver(delivery, folder).catch(async (error: unknown) => {
    await removeFolder(folder);
    throw error;
  });
}

interface Delivery {
  readonly uri: string;
  readonly artifact: LocatedArtifact;
  readonly context: Context;
  readonly resolver: ArtifactResolver;
}

/** As MLflow, which copies a part of a run even from a folder of this machine. */
async function findHere(
  uri: string,
  artifact: LocatedArtifact | undefined,
  context: Context,
): Promise<string | undefined> {
  if (artifact === undefined) return findLocal(uri, context);
  const isLeft = (isWholeRun(uri) || isWholeModel(uri)) && liesHere(artifact);
  if (!isLeft) return undefined;
  const folders = artifact.places.map(({ base, path }) =>
    join(resolveLocalPath(base, context.cwd), path),
  );
  for (const folder of folders) if ((await kindOf(folder)) !== undefined) return folder;
  const what = isWholeRun(uri)
    ? `run ${parseRunUri(uri).runId} has no artifacts`
    : `${uri} is gone`;
  throw new NotFound(`${what}: ${folders[0]} does not exist`);
}

function liesHere({ places }: LocatedArtifact): boolean {
  return places.every(({ base }) => isLocal(base));
}

/** A model from elsewhere comes from the cache, where it is put first if it is not there. */
async function throughCache(
  uri: string,
  artifact: LocatedArtifact,
  context: Context,
  { trackingUri }: ArtifactResolver,
  { usesCache = true }: FetchOptions,
): Promise<LocatedArtifact> {
  const isCached = usesCache && isWholeModel(uri) && findModelCache(context) !== undefined;
  if (!isCached || liesHere(artifact)) return artifact;
  const folder = await fetchFirst(uri, artifact.places, { context, trackingUri });
  return { ...artifact, places: [{ base: folder, path: '' }] };
}

function nameAsAsked(uri: string, artifact: LocatedArtifact): LocatedArtifact {
  const comesBare = isWholeRun(uri) || isWholeModel(uri) || uri.endsWith('/');
  return comesBare ? { ...artifact, name: '' } : artifact;
}

function isWholeModel(uri: string): boolean {
  return schemeOf(uri) === 'models' && parseModelUri(uri).path === '';
}

function isWholeRun(uri: string): boolean {
  return schemeOf(uri) === 'runs' && parseRunUri(uri).path === '';
}

async function deliver(
  { uri, artifact, context, resolver }: Delivery,
  destination: string,
): Promise<string> {
  const { trackingUri } = resolver;
  const isFolder = isWholeRun(uri);
  await makeFolder(destination);
  const start = { uri, context, trackingUri, destination, isFolder, putInPlace: mergeInto };
  return context.terminal.progress(`downloading ${showUri(uri)}`, (update) =>
    downloadFirst(artifact, { ...start, update }),
  );
}
