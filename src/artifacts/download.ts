import { resolve } from 'node:path';
import { AlreadyExists, NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { withPartialFolder } from '../host/file-transfer.ts';
import { kindOf, writeFileAtomically } from '../host/files.ts';
import { makeFolder, moveFolder } from '../host/folders.ts';
import { type ArtifactPlace, isLocal, joinPath, showUri } from './artifact-uri.ts';
import { showSize } from './byte-size.ts';
import { findLocal } from './find-local.ts';
import { type LocatedArtifact, locateArtifact } from './locate.ts';
import { openArtifactStore } from './open.ts';
import type { ArtifactResolver, ArtifactStore } from './store.ts';
import { fetchTree } from './tree.ts';

/**
 * Brings the file or folder that `uri` names below `destinationDirectory`, which is made where it is
 * missing, and returns its absolute local path. A local path or `file:` URI is returned as it is,
 * made absolute, and nothing is copied (`Parameter._compute_path_value`).
 *
 * What is downloaded appears under its final name when all of it has arrived, never before.
 *
 * @throws NotFound, Unavailable, InvalidInput; MltsError NOT_IMPLEMENTED for a scheme that mlts cannot
 * read; Interrupted, with nothing left behind.
 */
export async function downloadArtifact(
  uri: string,
  destinationDirectory: string,
  context: Context,
  resolver: ArtifactResolver,
): Promise<string> {
  if (isLocal(uri)) return findLocal(uri, context);
  const namedLikeUri = `${context.cwd}/${uri}`;
  if ((await kindOf(namedLikeUri)) !== undefined) return namedLikeUri;
  const artifact = await locateArtifact(uri, resolver);
  const destination = resolve(context.cwd, destinationDirectory);
  await makeFolder(destination);
  const { trackingUri } = resolver;
  return context.terminal.progress(`downloading ${showUri(uri)}`, (update) =>
    downloadFirst(artifact, { context, trackingUri, uri, destination, update, putInPlace }),
  );
}

/** One download on its way. */
export interface Download {
  readonly uri: string;
  /** Absolute. */
  readonly destination: string;
  readonly context: Context;
  readonly trackingUri: string;
  readonly update: (text: string) => void;
  /** Gives what has arrived its final name. */
  readonly putInPlace: (arrived: string, target: string) => Promise<void>;
  /** Known to be a folder, which may be empty. */
  readonly isFolder?: boolean;
}

/**
 * Downloads under the artifact's name, or, where that is '', into the destination itself. Tries the
 * places in turn; only where nothing is in one of them is the next one asked.
 *
 * @throws as `downloadArtifact`.
 */
export async function downloadFirst(
  artifact: LocatedArtifact,
  download: Download,
): Promise<string> {
  const last = artifact.places.at(-1);
  for (const place of artifact.places) {
    try {
      return await downloadFrom(place, artifact, download);
    } catch (error) {
      if (place === last || !(error instanceof NotFound)) throw error;
    }
  }
  throw new NotFound(`${showUri(download.uri)} does not exist`);
}

async function downloadFrom(
  { base, path }: ArtifactPlace,
  { name, registered }: LocatedArtifact,
  download: Download,
): Promise<string> {
  const { context, trackingUri, destination, putInPlace } = download;
  const store = await openArtifactStore(base, context, trackingUri);
  try {
    return await withPartialFolder(destination, async (partial) => {
      const arrived = joinPath(partial, name || 'content');
      await fetchWithProgress(store, path, arrived, download);
      if (registered !== undefined) await noteRegisteredModel(arrived, registered);
      const target = joinPath(destination, name);
      await putInPlace(arrived, target);
      return target;
    });
  } finally {
    await store.close();
  }
}

async function fetchWithProgress(
  store: ArtifactStore,
  path: string,
  target: string,
  { context, uri, update, isFolder = false }: Download,
): Promise<void> {
  let received = 0;
  await fetchTree(store, path, target, {
    signal: context.interrupts.signal,
    isFolder,
    tell: context.terminal.note,
    onBytes(count, expected) {
      received += count;
      const total = expected === undefined ? '' : ` of ${showSize(expected)}`;
      update(`downloading ${showUri(uri)}: ${showSize(received)}${total}`);
    },
  });
}

/** A file replaces one of its name; a folder is not mixed with what an earlier download left. */
async function putInPlace(arrived: string, target: string): Promise<void> {
  const there = await kindOf(target);
  const isReplaceable = there === 'file' && (await kindOf(arrived)) === 'file';
  if (there !== undefined && !isReplaceable) {
    throw new AlreadyExists(`${target} is there already`, {
      hint: 'remove it, or download to another folder',
    });
  }
  await moveFolder(arrived, target);
}

/** MLflow leaves the version's name beside a model's MLmodel (`models_artifact_repo.py`). */
async function noteRegisteredModel(
  folder: string,
  { name, version }: NonNullable<LocatedArtifact['registered']>,
): Promise<void> {
  if ((await kindOf(`${folder}/MLmodel`)) !== 'file') return;
  const { stringify } = await import('yaml');
  const text = stringify({ model_name: name, model_version: version }, { singleQuote: true });
  await writeFileAtomically(`${folder}/registered_model_meta`, text);
}
