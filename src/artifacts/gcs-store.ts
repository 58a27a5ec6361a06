import type { Bucket, File, GetFilesOptions } from '@google-cloud/storage';
import pMap from 'p-map';
import { InvalidInput, NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { joinPath, tooMuchToDelete } from './artifact-uri.ts';
import { throwReason, untilAborted } from './cancellation.ts';
import { createGcsClient, readGcsSettings } from './gcs-client.ts';
import { createGcsTransfers } from './gcs-direct.ts';
import { readObject } from './gcs-download.ts';
import { judgeGcsError } from './gcs-error.ts';
import { putObject } from './gcs-upload.ts';
import { withRetries } from './retry.ts';
import type { ArtifactEntry, ArtifactStore, TreeSize } from './store.ts';

/** As many objects are deleted at once. */
const CONCURRENCY = 16;

/** Artifacts in Google Cloud Storage; folders are prefixes of names. */
export async function openGcsStore(base: string, context: Context): Promise<ArtifactStore> {
  const { bucket: name, prefix } = parseGcsUri(base);
  const settings = readGcsSettings(context.env);
  const bucket = (await createGcsClient(context.env)).bucket(name);
  const tell = (note: string): void => context.terminal.note(note);
  const attempt = <T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    const reword = (error: unknown): never => {
      throw judgeGcsError(error, `gs://${joinPath(name, prefix, path)}`);
    };
    return withRetries(() => work().catch(throwReason(signal, reword)), { signal, tell });
  };
  return {
    list: (path, signal) => attempt(path, signal, () => listEntries(bucket, prefix, path, signal)),
    read: (path, from, signal) =>
      attempt(path, signal, () =>
        readObject(bucket, joinPath(prefix, path), from, settings, signal),
      ),
    write: (path, source) => {
      const file = bucket.file(joinPath(prefix, path));
      return putObject(file, source, settings, (work) => attempt(path, source.signal, work));
    },
    async delete(path, signal) {
      const key = joinPath(prefix, path);
      if (key === '') throw tooMuchToDelete(base);
      return deleteObjects(bucket, key, signal, (work) => attempt(path, signal, work));
    },
    close: async () => {},
    direct: createGcsTransfers(bucket, prefix, context),
  };
}

function parseGcsUri(uri: string): { readonly bucket: string; readonly prefix: string } {
  const [, bucket, prefix = ''] = /^gs:\/\/([^/]+)\/?(.*)$/is.exec(uri) ?? [];
  if (bucket !== undefined) return { bucket, prefix: prefix.replace(/\/+$/, '') };
  throw new InvalidInput(`\`${uri}\` does not name a bucket`, {
    hint: 'write gs://BUCKET/path/of/object',
  });
}

interface Page {
  readonly files: readonly File[];
  readonly prefixes: readonly string[];
  readonly next: GetFilesOptions | null;
}

async function listPage(
  bucket: Bucket,
  query: GetFilesOptions,
  signal: AbortSignal,
): Promise<Page> {
  const options = { ...query, autoPaginate: false };
  const [files, next, answer] = await untilAborted(bucket.getFiles(options), signal);
  const { prefixes = [] } = (answer ?? {}) as { readonly prefixes?: readonly string[] };
  return { files, prefixes, next: (next as GetFilesOptions | null | undefined) ?? null };
}

async function listEntries(
  bucket: Bucket,
  prefix: string,
  path: string,
  signal: AbortSignal,
): Promise<readonly ArtifactEntry[]> {
  const folder = joinPath(prefix, path);
  const start = folder === '' ? '' : `${folder}/`;
  const below = (name: string): string => joinPath(path, name.slice(start.length));
  const entries: ArtifactEntry[] = [];
  let query: GetFilesOptions | null = { prefix: start, delimiter: '/' };
  while (query !== null) {
    const { files, prefixes, next }: Page = await listPage(bucket, query, signal);
    const folders = prefixes.map((name) => below(name.replace(/\/$/, '')));
    entries.push(
      ...folders.map((name) => ({ path: name, isDirectory: true, sizeBytes: undefined })),
    );
    entries.push(
      ...files.filter(isPlain).map((file) => ({
        path: below(file.name),
        isDirectory: false,
        sizeBytes: sizeOf(file),
        version: file.metadata.etag,
      })),
    );
    query = next;
  }
  return entries;
}

/** Names that end with `/` and hold nothing stand for folders: consoles make them. */
function isPlain({ name }: File): boolean {
  return !name.endsWith('/');
}

function sizeOf({ metadata }: File): number {
  return Number(metadata.size ?? 0);
}

/**
 * Removes the object of this name and all whose names start with it and a `/`
 * (`GCSArtifactRepository.delete_artifacts`).
 */
async function deleteObjects(
  bucket: Bucket,
  key: string,
  signal: AbortSignal,
  attempt: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<TreeSize> {
  const own = await attempt(() => findObject(bucket, key, signal)).catch((error: unknown) => {
    if (error instanceof NotFound && !/bucket/.test(error.message)) return [];
    throw error;
  });
  const found: File[] = [...own];
  let query: GetFilesOptions | null = { prefix: `${key}/` };
  while (query !== null) {
    const page: Page = await attempt(() => listPage(bucket, query ?? {}, signal));
    found.push(...page.files);
    query = page.next;
  }
  const remove = (file: File): Promise<unknown> =>
    attempt(() => untilAborted(file.delete({ ignoreNotFound: true }), signal));
  await pMap(found, remove, { concurrency: CONCURRENCY, signal });
  return {
    files: found.filter(isPlain).length,
    sizeBytes: found.reduce((sum, file) => sum + sizeOf(file), 0),
  };
}

async function findObject(
  bucket: Bucket,
  key: string,
  signal: AbortSignal,
): Promise<readonly File[]> {
  const file = bucket.file(key);
  await untilAborted(file.getMetadata(), signal);
  return [file];
}
