import type { S3Client } from '@aws-sdk/client-s3';
import { type Env, variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import { readFileUpTo } from '../host/file-transfer.ts';
import { guessContentType } from './content-type.ts';
import type { UploadSource } from './store.ts';

/** Files that are larger go up in parts; S3 takes 10 000 of them. */
const SMALLEST_PART_BYTES = 8 * 1024 * 1024;
const MOST_PARTS = 10_000;
const PARTS_AT_ONCE = 4;

/** What an upload says beside its bytes: MLFLOW_S3_UPLOAD_EXTRA_ARGS. @throws InvalidInput */
export function readExtraArguments(env: Env): Readonly<Record<string, unknown>> {
  const text = env[variables.s3UploadExtraArguments];
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Told below, as all that is no JSON object.
  }
  throw new InvalidInput(`${variables.s3UploadExtraArguments} is no JSON object: \`${text}\``, {
    hint: 'write it like {"ServerSideEncryption": "aws:kms"}',
  });
}

/**
 * Puts a file as one object, in parts where it is large (`S3ArtifactRepository._upload_file`). S3 shows
 * it when all of it has arrived; parts of an upload that failed are removed.
 */
export async function putObject(
  client: S3Client,
  object: { readonly Bucket: string; readonly Key: string },
  source: UploadSource,
): Promise<void> {
  const { Upload } = await import('@aws-sdk/lib-storage');
  const { file, sizeBytes, signal, onBytes } = source;
  const { type, encoding } = await guessContentType(file);
  const body = readFileUpTo(file, sizeBytes);
  const upload = new Upload({
    client,
    params: {
      ...(type === undefined ? {} : { ContentType: type }),
      ...(encoding === undefined ? {} : { ContentEncoding: encoding }),
      // S3 compares each part with it, and keeps it for those who read the object.
      ChecksumAlgorithm: 'CRC32',
      ...object,
      Body: body,
    },
    partSize: Math.max(SMALLEST_PART_BYTES, Math.ceil(sizeBytes / MOST_PARTS)),
    queueSize: PARTS_AT_ONCE,
  });
  let sent = 0;
  upload.on('httpUploadProgress', ({ loaded = 0 }) => {
    onBytes(loaded - sent);
    sent = loaded;
  });
  // Ended through its body, the upload waits for the parts on their way, and removes what has arrived;
  // its own `abort` leaves them lying in the bucket.
  const stop = (): unknown => body.destroy(new Error('the upload is stopped'));
  signal.addEventListener('abort', stop);
  try {
    signal.throwIfAborted();
    await upload.done();
  } finally {
    signal.removeEventListener('abort', stop);
    body.destroy();
  }
}
