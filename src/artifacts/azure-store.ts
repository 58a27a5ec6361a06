import type { Readable } from 'node:stream';
import type { BlobDownloadResponseParsed, BlobItem, ContainerClient } from '@azure/storage-blob';
import pMap from 'p-map';
import { type Env, readNumber, variables } from '../core/environment-variables.ts';
import type { Context } from '../host/context.ts';
import { joinPath, tooMuchToDelete } from './artifact-uri.ts';
import { createServiceClient, parseAzureUri } from './azure-client.ts';
import { createAzureTransfers } from './azure-direct.ts';
import { judgeAzureError } from './azure-error.ts';
import { createBlobSigner } from './azure-signing.ts';
import { putBlob } from './azure-upload.ts';
import { endWhenIdle, throwReason } from './cancellation.ts';
import type { Checksum } from './checksum.ts';
import { withRetries } from './retry.ts';
import type {
  ArtifactContent,
  ArtifactEntry,
  ArtifactStore,
  ResumePoint,
  TreeSize,
} from './store.ts';

const DEFAULT_SECONDS = 600;
/** No timer runs longer. */
const LONGEST_MS = 2 ** 31 - 1;
/** As many blobs are deleted at once. */
const CONCURRENCY = 16;

/** Does something that may have to be done again; the signal ends it after some time too. */
export type Attempt = <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** Artifacts in Azure's blob storage and data lakes. */
export async function openAzureStore(base: string, context: Context): Promise<ArtifactStore> {
  const place = parseAzureUri(base);
  const { prefix } = place;
  const service = await createServiceClient(place, context.env);
  const container = service.getContainerClient(place.container);
  const timeoutMs = readTimeoutMs(context.env);
  const root = base.replace(/\/+$/, '');
  const tell = (note: string): void => context.terminal.note(note);
  const attemptAt =
    (path: string, signal: AbortSignal): Attempt =>
    (work) => {
      const reword = (error: unknown): never => {
        throw judgeAzureError(error, joinPath(root, path));
      };
      return withRetries(
        () => {
          const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
          return work(limited).catch(throwReason(signal, reword));
        },
        { signal, tell },
      );
    };
  const sign = await createBlobSigner(service, place, {
    // Whoever asked first may go away: others wait for the same key.
    attempt: attemptAt('', new AbortController().signal),
    tell,
    now: () => context.now(),
  });
  return {
    list: (path, signal) =>
      attemptAt(path, signal)((limited) => listEntries(container, prefix, path, limited)),
    read: (path, from, signal) =>
      attemptAt(
        path,
        signal,
      )(async () => {
        const content = await readBlob(container, joinPath(prefix, path), from, signal);
        return { ...content, stream: endWhenIdle(content.stream, timeoutMs) };
      }),
    write: (path, source) => {
      const blob = container.getBlockBlobClient(joinPath(prefix, path));
      return putBlob(blob, source, attemptAt(path, source.signal));
    },
    async delete(path, signal) {
      const key = joinPath(prefix, path);
      if (key === '') throw tooMuchToDelete(base);
      return deleteBlobs(container, key, attemptAt(path, signal));
    },
    close: async () => {},
    ...(sign === undefined
      ? {}
      : { direct: createAzureTransfers({ container, prefix, sign, attemptAt }) }),
  };
}

/** What MLflow allows for one request; `-1` is no limit, as it is for Google. */
function readTimeoutMs(env: Env): number {
  const isEndless = env[variables.artifactTimeout] === '-1';
  if (isEndless) return LONGEST_MS;
  return (readNumber(env, variables.artifactTimeout, DEFAULT_SECONDS) || DEFAULT_SECONDS) * 1_000;
}

async function listEntries(
  container: ContainerClient,
  prefix: string,
  path: string,
  signal: AbortSignal,
): Promise<readonly ArtifactEntry[]> {
  const folder = joinPath(prefix, path);
  const start = folder === '' ? '' : `${folder}/`;
  const below = (name: string): string => joinPath(path, name.slice(start.length));
  const options = { prefix: start, includeMetadata: true, abortSignal: signal };
  const files: ArtifactEntry[] = [];
  const folders = new Set<string>();
  for await (const item of container.listBlobsByHierarchy('/', options)) {
    if (item.kind === 'prefix') folders.add(below(item.name.replace(/\/$/, '')));
    else if (isFolder(item)) folders.add(below(item.name));
    else if (item.name !== start) files.push({ path: below(item.name), ...describe(item) });
  }
  const entries = [...folders].map((name) => ({
    path: name,
    isDirectory: true,
    sizeBytes: undefined,
  }));
  return [...entries, ...files];
}

/** In a data lake a folder is a blob too, and what comes from Hadoop leaves such blobs anywhere. */
function isFolder({ metadata }: BlobItem): boolean {
  return metadata?.hdi_isfolder === 'true';
}

function describe({ properties }: BlobItem): Omit<ArtifactEntry, 'path'> {
  const { contentLength: sizeBytes, etag: version } = properties;
  return { isDirectory: false, sizeBytes, version };
}

async function readBlob(
  container: ContainerClient,
  key: string,
  { offset, version }: ResumePoint,
  signal: AbortSignal,
): Promise<ArtifactContent> {
  const goesOn = offset > 0 && version !== undefined;
  const answer = await container.getBlobClient(key).download(goesOn ? offset : 0, undefined, {
    abortSignal: signal,
    // What breaks off goes on where all stores' files do.
    maxRetryRequests: 0,
    ...(goesOn ? { conditions: { ifMatch: version } } : {}),
  });
  return toContent(answer, goesOn ? offset : 0);
}

function toContent(answer: BlobDownloadResponseParsed, offset: number): ArtifactContent {
  const { readableStreamBody, contentLength, contentMD5, etag, contentEncoding } = answer;
  const stream = readableStreamBody as Readable;
  // The library unpacks it unasked; then nothing is known of its size.
  if (contentEncoding === 'gzip' || contentEncoding === 'deflate') {
    return { stream, offset: 0, sizeBytes: undefined, version: undefined };
  }
  const checksum: Checksum | undefined =
    contentMD5 === undefined
      ? undefined
      : { algorithm: 'md5', value: Buffer.from(contentMD5).toString('base64') };
  const sizeBytes = contentLength === undefined ? undefined : offset + contentLength;
  return { stream, offset, sizeBytes, version: etag, checksum };
}

/**
 * Removes the blob of this name and all whose names start with it and a `/`
 * (`AzureBlobArtifactRepository.delete_artifacts`; MLflow deletes nothing in data lakes).
 */
async function deleteBlobs(
  container: ContainerClient,
  key: string,
  attempt: Attempt,
): Promise<TreeSize> {
  const found = await attempt(async (signal) => [
    ...(await findBlobs(container, key, signal)).filter(({ name }) => name === key),
    ...(await findBlobs(container, `${key}/`, signal)),
  ]);
  const remove = ({ name }: BlobItem): Promise<unknown> =>
    attempt((abortSignal) => container.getBlobClient(name).deleteIfExists({ abortSignal }));
  const files = found.filter((item) => !isFolder(item));
  await pMap(files, remove, { concurrency: CONCURRENCY });
  // A data lake deletes a folder only when nothing is left in it.
  const folders = found.filter(isFolder).toSorted((a, b) => b.name.length - a.name.length);
  await pMap(folders, remove, { concurrency: 1 });
  const sizeBytes = files.reduce((sum, { properties }) => sum + (properties.contentLength ?? 0), 0);
  return { files: files.filter(({ name }) => !name.endsWith('/')).length, sizeBytes };
}

async function findBlobs(
  container: ContainerClient,
  prefix: string,
  abortSignal: AbortSignal,
): Promise<readonly BlobItem[]> {
  const found: BlobItem[] = [];
  const options = { prefix, includeMetadata: true, abortSignal };
  for await (const item of container.listBlobsFlat(options)) {
    found.push(item);
    // Of all names that begin with its own, the blob's own comes first; the rest may be very many.
    if (!prefix.endsWith('/')) break;
  }
  return found;
}
