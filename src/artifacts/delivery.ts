import { resolve } from 'node:path';
import { NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { mergeInto } from '../host/file-placement.ts';
import { kindOf } from '../host/files.ts';
import { makeFolder, removeFolder } from '../host/folders.ts';
import { makeTemporaryFolder } from '../host/temporary-folder.ts';
import { parseRunUri, resolveLocalPath, schemeOf, showUri } from './artifact-uri.ts';
import { downloadFirst, findLocal, isLocal } from './download.ts';
import { type LocatedArtifact, locateArtifact } from './locate.ts';
import type { ArtifactResolver } from './store.ts';

/**
 * Brings the artifact that `uri` names into `destination` and returns its absolute local path
 * (`mlflow.artifacts.download_artifacts`). What is there already is replaced file by file. All of a run,
 * and a folder that is named with a `/` behind it, comes without a folder of its own.
 *
 * Without a destination, what lies on this machine is left where it is, and all else goes into a new
 * folder below `$TMPDIR`.
 *
 * @throws as `downloadArtifact`.
 */
export async function deliverArtifact(
  uri: string,
  destination: string | undefined,
  context: Context,
  resolver: ArtifactResolver,
): Promise<string> {
  if (destination === undefined) {
    const local = await findHere(uri, context, resolver);
    if (local !== undefined) return local;
  }
  const artifact = await locate(uri, context, resolver);
  const delivery = { uri, artifact, context, resolver };
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
  context: Context,
  resolver: ArtifactResolver,
): Promise<string | undefined> {
  if (isLocal(uri)) return findLocal(uri, context);
  if (!isWholeRun(uri)) return undefined;
  const { runId } = parseRunUri(uri);
  const artifactUri = await resolver.artifactUriOfRun(runId);
  if (!isLocal(artifactUri)) return undefined;
  const folder = resolveLocalPath(artifactUri, context.cwd);
  if ((await kindOf(folder)) !== undefined) return folder;
  throw new NotFound(`run ${runId} has no artifacts: ${folder} does not exist`);
}

async function locate(
  uri: string,
  context: Context,
  resolver: ArtifactResolver,
): Promise<LocatedArtifact> {
  const path = isLocal(uri) ? await findLocal(uri, context) : uri;
  const artifact = await locateArtifact(path, resolver);
  return isWholeRun(uri) || uri.endsWith('/') ? { ...artifact, name: '' } : artifact;
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
