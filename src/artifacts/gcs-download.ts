import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Bucket } from '@google-cloud/storage';
import { endWhenIdle, startIdleTimer, untilAborted } from './cancellation.ts';
import type { Checksum } from './checksum.ts';
import type { GcsSettings } from './gcs-client.ts';
import type { ArtifactContent, ResumePoint } from './store.ts';

interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Opens an object, or the rest of it if it still is the same. Its `version` is Google's generation. */
export async function readObject(
  bucket: Bucket,
  key: string,
  { offset, version }: ResumePoint,
  { idleMs }: GcsSettings,
  signal: AbortSignal,
): Promise<ArtifactContent> {
  const goesOn = offset > 0 && version !== undefined;
  const file = bucket.file(key, goesOn ? { generation: version } : {});
  const range = goesOn ? { start: offset } : {};
  // The checksum is compared where the parts of a file that broke off come together.
  const body = file.createReadStream({ validation: false, decompress: false, ...range });
  const idle = startIdleTimer(idleMs);
  try {
    const both = AbortSignal.any([signal, idle.signal]);
    const { headers } = await untilAborted(waitForAnswer(body), both);
    return toContent(endWhenIdle(body, idleMs), headers, goesOn ? offset : 0);
  } catch (error) {
    body.on('error', () => {}).destroy();
    throw error;
  } finally {
    idle.stop();
  }
}

/** The request is sent with the first read. A refusal comes as an answer first, and then as an error. */
function waitForAnswer(body: Readable): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  body.once('error', reject);
  body.once('response', (answer: Answer) => {
    if (answer.statusCode < 300) resolve(answer);
  });
  body.read(0);
  return promise;
}

/** What is stored compressed arrives plain, as in MLflow; then nothing is known of its size. */
function toContent(stream: Readable, headers: Answer['headers'], offset: number): ArtifactContent {
  if (headers['content-encoding'] === 'gzip') {
    const plain = pipeline(stream, createGunzip(), () => {});
    return { stream: plain, offset: 0, sizeBytes: undefined, version: undefined };
  }
  const length = Number(headers['content-length'] ?? Number.NaN);
  return {
    stream,
    offset,
    sizeBytes: Number.isNaN(length) ? undefined : offset + length,
    version: headers['x-goog-generation'],
    checksum: readChecksum(headers['x-goog-hash'] ?? ''),
  };
}

/** `crc32c=n03x6A==,md5=Ojk9c3dhfxgoKVVHYwFbHQ==`; what was composed of others has no MD5. */
function readChecksum(hashes: string): Checksum | undefined {
  for (const algorithm of ['md5', 'crc32c'] as const) {
    const value = new RegExp(`\\b${algorithm}=([\\w+/=]+)`).exec(hashes)?.[1];
    if (value !== undefined) return { algorithm, value };
  }
  return undefined;
}
