import { basename, join, resolve } from 'node:path';
import pMap from 'p-map';
import { InvalidInput, MltsError } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { describePath, type SourceEntry, walkFolder } from '../host/source-tree.ts';
import { isReadable, joinPath, schemeOf, showUri } from './artifact-uri.ts';
import { showSize } from './byte-size.ts';
import { openArtifactStore } from './open.ts';
import type { ArtifactStore } from './store.ts';

/** Where uploads go: a folder below the root of a store. */
export interface UploadTarget {
  readonly base: string;
  /** Checked by `checkTargetPath`; '' is the root. */
  readonly folder: string;
  readonly trackingUri: string;
}

export interface UploadSummary {
  readonly files: number;
  readonly sizeBytes: number;
}

/** As many files at once; each may be a connection of its own. */
const CONCURRENCY = 8;

/**
 * Uploads one local file under its own name (`ArtifactRepository.log_artifact`).
 *
 * @throws NotFound where it is missing, InvalidInput for a folder and for what cannot be written.
 */
export async function uploadFile(
  file: string,
  target: UploadTarget,
  context: Context,
): Promise<UploadSummary> {
  const source = await describePath(resolve(context.cwd, file));
  if (source.kind === 'folder') {
    throw new InvalidInput(`${file} is a folder`, {
      hint: `log what is in it with: mlts artifacts log-artifacts --local-dir ${file}`,
    });
  }
  if (source.kind === 'other') throw notPlain(file);
  const destination = joinPath(target.folder, basename(source.path));
  return upload([{ ...source, destination }], { label: file, target, context });
}

/**
 * Uploads what is in a local folder, files side by side (`ArtifactRepository.log_artifacts`). Nothing is
 * uploaded where one of them cannot be; the first failure stops the rest.
 *
 * @throws NotFound where it is missing, InvalidInput where it is a file or holds what cannot be uploaded.
 */
export async function uploadFolder(
  folder: string,
  target: UploadTarget,
  context: Context,
): Promise<UploadSummary> {
  const root = resolve(context.cwd, folder);
  if ((await describePath(root)).kind !== 'folder') {
    throw new InvalidInput(`${folder} is no folder`, {
      hint: `log a file with: mlts artifacts log-artifact --local-file ${folder}`,
    });
  }
  const entries = await walkFolder(root);
  for (const { path, kind } of entries) {
    if (kind === 'other') throw notPlain(join(folder, path));
    if (kind === 'linked-folder') context.terminal.warn(linkWarning(join(folder, path)));
  }
  const pieces = entries.map((entry) => ({
    ...entry,
    path: join(root, entry.path),
    destination: joinPath(target.folder, entry.path),
  }));
  return upload(pieces, { label: folder, target, context });
}

function notPlain(path: string): InvalidInput {
  return new InvalidInput(`${path} is neither a file nor a folder, or a link that leads nowhere`, {
    hint: 'remove it, or leave it out',
  });
}

/** MLflow leaves it out too, and says nothing. */
function linkWarning(path: string): string {
  return `${path} is a link to a folder: what is in there is not logged`;
}

/** One file or folder on its way; `path` is absolute. */
interface Piece extends SourceEntry {
  /** In the store. */
  readonly destination: string;
}

interface Upload {
  /** As the user named it. */
  readonly label: string;
  readonly target: UploadTarget;
  readonly context: Context;
}

async function upload(
  pieces: readonly Piece[],
  { label, target: { base, trackingUri }, context }: Upload,
): Promise<UploadSummary> {
  refuseUnwritable(base);
  const files = pieces.filter(({ kind }) => kind === 'file');
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const store = await openArtifactStore(base, context, trackingUri);
  try {
    await context.terminal.progress(`uploading ${label}`, async (update) => {
      let sent = 0;
      await sendAll(store, pieces, context.interrupts.signal, (count) => {
        sent += count;
        update(`uploading ${label}: ${showSize(sent)} of ${showSize(sizeBytes)}`);
      });
    });
  } finally {
    await store.close();
  }
  return { files: files.length, sizeBytes };
}

function refuseUnwritable(base: string): void {
  if (isReadable(base)) return;
  throw new MltsError(
    'NOT_IMPLEMENTED',
    `mlts cannot write to \`${schemeOf(base)}:\` addresses yet: ${showUri(base)}`,
    {
      hint: 'use MLflow for it, or a run whose artifacts lie in S3, in a folder or on a server',
    },
  );
}

async function sendAll(
  store: ArtifactStore,
  pieces: readonly Piece[],
  interrupt: AbortSignal,
  onBytes: (count: number) => void,
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([interrupt, stop.signal]);
  const send = async ({ kind, path: file, destination, sizeBytes }: Piece): Promise<void> => {
    signal.throwIfAborted();
    if (kind === 'file') await store.write(destination, { file, sizeBytes, signal, onBytes });
    else await store.makeFolder?.(destination);
  };
  // Each catches its own failure, so that all have settled when this returns.
  await pMap(pieces, (piece) => send(piece).catch((error) => stop.abort(error)), {
    concurrency: CONCURRENCY,
  });
  interrupt.throwIfAborted();
  stop.signal.throwIfAborted();
}
