import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import {
  AlreadyExists,
  InvalidInput,
  MltsError,
  NotFound,
  NotFoundByApi,
  Unavailable,
} from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import type { HttpClient } from '../host/http/client.ts';
import { openMlflowServer } from '../host/http/mlflow-server.ts';
import { joinPath, splitSafely, tooMuchToDelete } from './artifact-uri.ts';
import { createCountingBody } from './counting-body.ts';
import { readContent, resumeHeaders } from './http-content.ts';
import type { ArtifactEntry, ArtifactStore, TreeSize, UploadSource } from './store.ts';
import { measureTree } from './tree.ts';

interface WireFileInfo {
  /** From the root of DBFS on. */
  readonly path: string;
  readonly is_dir?: boolean;
  readonly file_size?: number;
}

interface DbfsPlace {
  /** The workspace: a `databricks` URI, or a server. */
  readonly server: string;
  /** Without slashes at its ends. */
  readonly root: string;
}

const API = '/api/2.0/dbfs';
/** A file on its way in. */
const PARTIAL_PREFIX = '.mlts-uploading-';

/**
 * Artifacts in Databricks' file system, by its REST API (`mlflow/store/artifact/dbfs_artifact_repo.py`), with
 * the login of the tracking server, or of the profile that `dbfs://PROFILE@databricks/path` names.
 */
export async function openDbfsStore(
  base: string,
  context: Context,
  trackingUri: string,
): Promise<ArtifactStore> {
  const { server, root } = parseDbfsUri(base, trackingUri);
  const client = await openMlflowServer(server, context);
  const store: ArtifactStore = {
    list: (path, signal) => listEntries(client, root, path, signal),
    async read(path, from, signal) {
      const name = quotePath('dbfs', root, path);
      const request = { method: 'GET', path: name, headers: resumeHeaders(from), signal } as const;
      const answer = await client.open(request).catch((error: unknown) => {
        if (!(error instanceof NotFound)) throw error;
        throw new NotFound(`dbfs:/${joinPath(root, path)} does not exist`, { cause: error });
      });
      return readContent(answer);
    },
    write: (path, source) => putFile(client, joinPath(root, path), source),
    async delete(path, signal) {
      if (joinPath(root, path) === '') throw tooMuchToDelete(base);
      const size: TreeSize = await measureTree(store, path, signal);
      await removePath(client, joinPath(root, path), signal);
      return size;
    },
    close: () => client.close(),
  };
  return store;
}

function parseDbfsUri(uri: string, trackingUri: string): DbfsPlace {
  const parts = /^dbfs:(?:\/\/(?:([^@/]+)@)?(databricks))?\/(?!\/)(.*)$/is.exec(uri);
  if (parts === null) {
    throw new InvalidInput(`\`${uri}\` is no path of DBFS`, {
      hint: 'write dbfs:/PATH, or dbfs://PROFILE@databricks/PATH',
    });
  }
  const [, profile, atDatabricks, rest = ''] = parts;
  const root = rest.replace(/\/+$/, '');
  refuseManaged(root);
  if (profile !== undefined) return { server: `databricks://${profile}`, root };
  if (atDatabricks !== undefined) return { server: 'databricks', root };
  if (/^(https?|databricks):|^databricks$/i.test(trackingUri)) return { server: trackingUri, root };
  throw new InvalidInput(`\`${uri}\` lies in Databricks, and the tracking URI names no workspace`, {
    hint: 'set MLFLOW_TRACKING_URI=databricks, or write dbfs://PROFILE@databricks/PATH',
  });
}

/** What Databricks keeps for its own experiments is reached by addresses that it signs for each file. */
function refuseManaged(root: string): void {
  const [, place] = /^databricks\/(mlflow-tracking|mlflow-registry)(\/|$)/.exec(root) ?? [];
  if (place === undefined) return;
  throw new MltsError(
    'NOT_IMPLEMENTED',
    `dbfs:/databricks/${place} is managed by Databricks, and closed to the DBFS API`,
    { hint: 'use MLflow for it, or give the experiment an artifact location of its own' },
  );
}

function quotePath(...parts: readonly string[]): string {
  return `/${joinPath(...parts)
    .split('/')
    .map(encodeURIComponent)
    .join('/')}`;
}

async function listEntries(
  client: HttpClient,
  root: string,
  path: string,
  signal: AbortSignal,
): Promise<readonly ArtifactEntry[]> {
  const folder = `/${joinPath(root, path)}`;
  const request = { method: 'GET', path: `${API}/list`, query: { path: folder }, signal } as const;
  const answer = await client.callJson(request).catch((error: unknown) => {
    if (error instanceof NotFoundByApi) return {};
    throw error;
  });
  const files = ((answer as { files?: unknown }).files ?? []) as readonly WireFileInfo[];
  // Of a file, the file itself is listed.
  const below = files.filter((file) => file.path !== folder && !isPartial(file));
  return below.map((file) => toEntry(file, folder, path));
}

function isPartial({ path }: WireFileInfo): boolean {
  return posix.basename(path).startsWith(PARTIAL_PREFIX);
}

function toEntry(file: WireFileInfo, folder: string, path: string): ArtifactEntry {
  const [name = ''] = splitSafely(file.path, folder === '/' ? '' : folder);
  const isDirectory = file.is_dir ?? false;
  const sizeBytes = isDirectory ? undefined : file.file_size;
  return { path: joinPath(path, name), isDirectory, sizeBytes };
}

/** MLflow writes under the final name, where a half of a file stays if the connection breaks. */
async function putFile(client: HttpClient, path: string, source: UploadSource): Promise<void> {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const partial = joinPath(folder, `${PARTIAL_PREFIX}${randomUUID()}`);
  const { sizeBytes, signal } = source;
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(sizeBytes),
  };
  const sending = {
    method: 'POST',
    path: quotePath('dbfs', partial),
    headers,
    createBody: createCountingBody(source),
    isIdempotent: true,
    signal,
  } as const;
  try {
    const { body } = await client.open(sending);
    body.resume();
    await moveOver(client, partial, path, signal);
  } catch (error) {
    // Not with the signal, which may be what ended the upload. What cannot be removed is not listed.
    if (!(error instanceof Unavailable)) await removePath(client, partial).catch(() => {});
    throw error;
  }
}

/** DBFS moves nothing onto what is there. */
async function moveOver(
  client: HttpClient,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const json = { source_path: `/${from}`, destination_path: `/${to}` };
  const move = (): Promise<unknown> =>
    client.callJson({ method: 'POST', path: `${API}/move`, json, signal });
  await move().catch(async (error: unknown) => {
    if (!(error instanceof AlreadyExists)) throw error;
    await removePath(client, to, signal);
    await move();
  });
}

/** What is gone already is no error. */
async function removePath(client: HttpClient, path: string, signal?: AbortSignal): Promise<void> {
  const json = { path: `/${path}`, recursive: true };
  const request = { method: 'POST', path: `${API}/delete`, json, isIdempotent: true } as const;
  const sent = client.callJson({ ...request, ...(signal === undefined ? {} : { signal }) });
  await sent.catch((error: unknown) => {
    if (!(error instanceof NotFoundByApi)) throw error;
  });
}
