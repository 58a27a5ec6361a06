import { posix } from 'node:path';
import { MltsError, NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { createHttpClient, type HttpClient } from '../host/http/client.ts';
import {
  type ArtifactPlace,
  joinPath,
  PROXY_PATH,
  showUri,
  splitSafely,
  tooMuchToDelete,
} from './artifact-uri.ts';
import { guessContentType } from './content-type.ts';
import { createCountingBody } from './counting-body.ts';
import { readContent, resumeHeaders } from './http-content.ts';
import { DirectRoute } from './proxy-direct.ts';
import type { ArtifactEntry, ArtifactStore, UploadSource } from './store.ts';
import { measureTree } from './tree.ts';

interface WireFileInfo {
  readonly path: string;
  readonly is_dir?: boolean;
  /** MLflow writes 64-bit numbers as text in some versions. */
  readonly file_size?: number | string;
}

/**
 * Artifacts that an MLflow server hands out (`mlflow/store/artifact/http_artifact_repo.py`). The
 * tracking credentials go only to the tracking server itself.
 */
export async function openProxyStore(
  { base, path: root }: ArtifactPlace,
  context: Context,
  trackingUri: string,
): Promise<ArtifactStore> {
  const audience = isSameServer(base, trackingUri) ? 'tracking-server' : 'anyone';
  const client = await createHttpClient(base.replace(PROXY_PATH, ''), context, { audience });
  const route = new DirectRoute(client, context);
  const store: ArtifactStore = {
    list: (path, signal) => listEntries(client, root, path, signal),
    async read(path, from, signal) {
      const quoted = quotePath(root, path);
      const direct = await route.read(quoted, from, signal);
      if (direct !== undefined) return direct;
      const headers = resumeHeaders(from);
      const request = { method: 'GET', path: `${PROXY_PATH}/${quoted}`, headers, signal } as const;
      return readContent(await client.open(request).catch(throwNotFound(base, root, path)));
    },
    async write(path, source) {
      const quoted = quotePath(root, path);
      if (await route.send(quoted, source)) return;
      await putFile(client, `${PROXY_PATH}/${quoted}`, source);
    },
    async delete(path, signal) {
      if (joinPath(root, path) === '') throw tooMuchToDelete(base);
      const size = await measureTree(store, path, signal);
      const quoted = quotePath(root, path);
      const request = { method: 'DELETE', path: `${PROXY_PATH}/${quoted}`, signal } as const;
      await client.callJson(request).catch((error) => {
        if (!isMissing(error)) throw error;
      });
      return size;
    },
    async close() {
      await route.close();
      await client.close();
    },
  };
  return store;
}

function quotePath(root: string, path: string): string {
  return joinPath(root, path).split('/').map(encodeURIComponent).join('/');
}

/** The client sends the whole file again where the connection breaks: to put it twice does no harm. */
async function putFile(client: HttpClient, path: string, source: UploadSource): Promise<void> {
  const { file, sizeBytes, signal } = source;
  const createBody = createCountingBody(source);
  const { type = 'application/octet-stream' } = await guessContentType(file);
  const headers = { 'content-type': type, 'content-length': String(sizeBytes) };
  await client.callJson({ method: 'PUT', path, headers, createBody, signal });
}

function isSameServer(base: string, trackingUri: string): boolean {
  const [ours, theirs] = [URL.parse(base), URL.parse(trackingUri)];
  return ours !== null && theirs !== null && ours.origin === theirs.origin;
}

async function listEntries(
  client: HttpClient,
  root: string,
  path: string,
  signal: AbortSignal,
): Promise<readonly ArtifactEntry[]> {
  const query = { path: joinPath(root, path) };
  const answer = await client.callJson({ method: 'GET', path: PROXY_PATH, query, signal });
  const files = (answer.files ?? []) as readonly WireFileInfo[];
  const entries = files.map((file) => toEntry(file, path));
  // Some servers list a file as a folder that holds itself.
  const [only] = entries;
  const holdsItself = only?.path === joinPath(path, posix.basename(path)) && !only.isDirectory;
  return entries.length === 1 && path !== '' && holdsItself ? [] : entries;
}

function toEntry({ path: name, is_dir, file_size }: WireFileInfo, folder: string): ArtifactEntry {
  splitSafely(name, '');
  return {
    path: joinPath(folder, name),
    isDirectory: is_dir ?? false,
    sizeBytes: file_size === undefined ? undefined : Number(file_size),
  };
}

/** Which answer a missing file gets depends on the server's own store: 404, or 500 with a message. */
function isMissing(error: unknown): boolean {
  if (error instanceof NotFound) return true;
  return error instanceof MltsError && /no such (file|artifact)/i.test(error.message);
}

function throwNotFound(base: string, root: string, path: string): (error: unknown) => never {
  return (error) => {
    if (!isMissing(error)) throw error;
    throw new NotFound(`${showUri(base)}/${joinPath(root, path)} does not exist`, {
      cause: error,
    });
  };
}
