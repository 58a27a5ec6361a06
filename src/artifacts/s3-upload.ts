import type { CompletedPart, S3Client } from '@aws-sdk/client-s3';
import { type Env, variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import { openParts, type PartReader } from '../host/file-transfer.ts';
import { guessContentType } from './content-type.ts';
import { MOST_PARTS } from './direct.ts';
import type { UploadSource } from './store.ts';

/** Files that are larger go up in parts. */
const SMALLEST_PART_BYTES = 8 * 1024 * 1024;
/** As many as boto3 sends, and with it MLflow. */
const PARTS_AT_ONCE = 10;

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

interface S3Object {
  readonly Bucket: string;
  readonly Key: string;
}

/**
 * Puts a file as one object, in parts where it is large (`S3ArtifactRepository._upload_file`). S3 shows
 * it when all of it has arrived; parts of an upload that failed are removed.
 *
 * The SDK's own `Upload` is not used: it makes new buffers for every part, which cost the collector half
 * of the time that a large file takes.
 */
export async function putObject(
  client: S3Client,
  object: S3Object,
  source: UploadSource,
): Promise<void> {
  const described = {
    ...(await describeContent(source.file)),
    // S3 compares each part with it, and keeps it for those who read the object.
    ChecksumAlgorithm: 'CRC32' as const,
    ...object,
  };
  await using file = await openParts(source.file);
  if (source.sizeBytes > SMALLEST_PART_BYTES) await putInParts(client, described, source, file);
  else await putWhole(client, described, source, file);
}

/** What an object holds, by the name of the file that it is made from. */
export async function describeContent(
  file: string,
): Promise<{ readonly ContentType?: string; readonly ContentEncoding?: string }> {
  const { type, encoding } = await guessContentType(file);
  return {
    ...(type === undefined ? {} : { ContentType: type }),
    ...(encoding === undefined ? {} : { ContentEncoding: encoding }),
  };
}

async function putWhole(
  client: S3Client,
  object: S3Object,
  { sizeBytes, signal, onBytes }: UploadSource,
  file: PartReader,
): Promise<void> {
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  const Body = Buffer.allocUnsafe(sizeBytes);
  await file.read(Body, 0);
  await client.send(new PutObjectCommand({ ...object, Body }), { abortSignal: signal });
  onBytes(sizeBytes);
}

async function putInParts(
  client: S3Client,
  object: S3Object,
  source: UploadSource,
  file: PartReader,
): Promise<void> {
  const s3 = await import('@aws-sdk/client-s3');
  const { signal } = source;
  signal.throwIfAborted();
  const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand(object));
  const upload = { ...object, UploadId };
  try {
    const Parts = await sendParts(client, upload, source, file);
    await client.send(
      new s3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
      { abortSignal: signal },
    );
  } catch (error) {
    // Why it failed matters more than that what has arrived could not be removed either.
    await client.send(new s3.AbortMultipartUploadCommand(upload)).catch(() => {});
    throw error;
  }
}

/** Sends all parts, some at once; each sender fills one buffer again and again. */
async function sendParts(
  client: S3Client,
  upload: S3Object & { readonly UploadId: string | undefined },
  { sizeBytes, signal, onBytes }: UploadSource,
  file: PartReader,
): Promise<CompletedPart[]> {
  const { UploadPartCommand } = await import('@aws-sdk/client-s3');
  const partBytes = Math.max(SMALLEST_PART_BYTES, Math.ceil(sizeBytes / MOST_PARTS));
  const parts: CompletedPart[] = Array.from({ length: Math.ceil(sizeBytes / partBytes) });
  const failed = new AbortController();
  const abortSignal = AbortSignal.any([signal, failed.signal]);
  let next = 0;
  const sendSome = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafeSlow(partBytes);
    while (next < parts.length) {
      const index = next;
      next += 1;
      const start = index * partBytes;
      const Body = buffer.subarray(0, Math.min(partBytes, sizeBytes - start));
      await file.read(Body, start);
      const part = { ...upload, PartNumber: index + 1, Body };
      const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(part), {
        abortSignal,
      });
      parts[index] = { ETag, ChecksumCRC32, PartNumber: index + 1 };
      onBytes(Body.length);
    }
  };
  const senders = Array.from({ length: Math.min(PARTS_AT_ONCE, parts.length) }, () =>
    sendSome().catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  // All must have ended before what has arrived is removed, and before the file is closed.
  await Promise.allSettled(senders);
  await Promise.all(senders);
  return parts;
}
