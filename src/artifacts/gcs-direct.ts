import { Readable } from 'node:stream';
import type { Bucket, File } from '@google-cloud/storage';
import { Unavailable } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { createHttpClient } from '../host/http/client.ts';
import { joinPath } from './artifact-uri.ts';
import { guessContentType } from './content-type.ts';
import {
  type DirectTransfers,
  listPartNumbers,
  PART_EXPIRY_SECONDS,
  type PartAddress,
  partsNotSupported,
  type SentPart,
} from './direct.ts';

/**
 * Signs addresses of the parts of an object (`gcs_artifact_repo.py`). Google takes parts by its XML API only, for
 * which its library has no public calls.
 */
export function createGcsTransfers(
  bucket: Bucket,
  prefix: string,
  context: Context,
): DirectTransfers {
  const objectAt = (path: string): File => bucket.file(joinPath(prefix, path));
  return {
    async startUpload(path, partCount, signal) {
      const object = objectAt(path);
      const { type = 'application/octet-stream' } = await guessContentType(path);
      const headers = { 'content-type': type };
      const text = await ask(object, context, {
        method: 'POST',
        query: { uploads: '' },
        headers,
        signal,
      });
      const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(text)?.[1];
      if (uploadId === undefined) throw new Unavailable('Google told no id of the upload');
      const parts = await signParts(object, uploadId, partCount).catch(async (error: unknown) => {
        await ask(object, context, { method: 'DELETE', query: { uploadId }, signal }).catch(
          () => {},
        );
        // What a login of a person or of a machine may do, but not sign.
        throw partsNotSupported(error);
      });
      return { uploadId, parts };
    },
    async finishUpload(path, uploadId, parts, signal) {
      const body = writeParts(parts);
      const text = await ask(objectAt(path), context, {
        method: 'POST',
        query: { uploadId },
        body,
        signal,
      });
      const [, failure] = /<Error>.*<Message>([^<]*)/s.exec(text) ?? [];
      if (failure !== undefined) throw new Unavailable(`Google did not join the parts: ${failure}`);
    },
    async dropUpload(path, uploadId, signal) {
      await ask(objectAt(path), context, { method: 'DELETE', query: { uploadId }, signal });
    },
  };
}

async function signParts(
  object: File,
  uploadId: string,
  partCount: number,
): Promise<readonly PartAddress[]> {
  const expires = Date.now() + PART_EXPIRY_SECONDS * 1_000;
  const signed: PartAddress[] = [];
  for (const number of listPartNumbers(partCount)) {
    const queryParams = { partNumber: String(number), uploadId };
    const settings = { version: 'v4', action: 'write', expires, queryParams } as const;
    const [url] = await object.getSignedUrl(settings);
    signed.push({ number, url });
  }
  return signed;
}

interface Question {
  readonly method: 'POST' | 'DELETE';
  readonly query: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** An emulator is asked without credentials, as by all else here. */
async function ask(
  { bucket, name }: File,
  context: Context,
  { method, query, headers = {}, body = '', signal }: Question,
): Promise<string> {
  const { apiEndpoint, authClient } = bucket.storage;
  const isEmulator = context.env.STORAGE_EMULATOR_HOST !== undefined;
  const path = `/${[bucket.name, ...name.split('/')].map(encodeURIComponent).join('/')}`;
  const login = isEmulator ? {} : Object.fromEntries(await authClient.getRequestHeaders());
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  const client = await createHttpClient(apiEndpoint, context, { audience: 'anyone' });
  try {
    const createBody = () => Readable.from([Buffer.from(body)]);
    const sent = { ...login, ...length, ...headers };
    const answer = await client.open({ method, path, query, headers: sent, createBody, signal });
    return Buffer.concat(await answer.body.toArray()).toString();
  } finally {
    await client.close();
  }
}

function writeParts(parts: readonly SentPart[]): string {
  const written = parts.map(
    ({ number, etag }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${escapeText(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload>${written.join('')}</CompleteMultipartUpload>`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
