import type { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { guessContentType } from './content-type.ts';
import {
  type DirectTransfers,
  listPartNumbers,
  nameAttachment,
  PART_EXPIRY_SECONDS,
} from './direct.ts';
import { describeContent } from './s3-upload.ts';

/** As many addresses are signed at once: no network is asked for that. */
const SIGNED_AT_ONCE = 16;

export interface S3Objects {
  readonly client: S3Client;
  /** What names the object at `path` in a request. */
  locate(path: string): { readonly Bucket: string; readonly Key: string };
  /** What uploads say beside their bytes. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Says errors in our words. */
  attempt<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/**
 * Signs addresses of objects (`mlflow/store/artifact/s3_artifact_repo.py`). Other than MLflow's, parts keep the
 * content type and MLFLOW_S3_UPLOAD_EXTRA_ARGS, and the owner of the bucket stands in the address.
 */
export function createS3Transfers({ client, locate, extra, attempt }: S3Objects): DirectTransfers {
  return {
    startUpload: (path, partCount, signal) =>
      attempt(path, signal, async () => {
        const s3 = await import('@aws-sdk/client-s3');
        const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
        const object = locate(path);
        const described = { ...(await describeContent(path)), ...extra, ...object };
        const create = new s3.CreateMultipartUploadCommand(described);
        const { UploadId = '' } = await client.send(create, { abortSignal: signal });
        const sign = async (number: number) => ({
          number,
          url: await getSignedUrl(
            client,
            new s3.UploadPartCommand({ ...object, UploadId, PartNumber: number }),
            { expiresIn: PART_EXPIRY_SECONDS },
          ),
        });
        const concurrency = SIGNED_AT_ONCE;
        const parts = await pMap(listPartNumbers(partCount), sign, { concurrency });
        return { uploadId: UploadId, parts };
      }),
    finishUpload: (path, UploadId, sent, signal) =>
      attempt(path, signal, async () => {
        const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
        const Parts = sent.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
        const upload = { ...locate(path), UploadId, MultipartUpload: { Parts } };
        await client.send(new CompleteMultipartUploadCommand(upload), { abortSignal: signal });
      }),
    dropUpload: (path, UploadId, signal) =>
      attempt(path, signal, async () => {
        const { AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
        const command = new AbortMultipartUploadCommand({ ...locate(path), UploadId });
        await client.send(command, { abortSignal: signal });
      }),
    signsAllDownloads: true,
    signDownload: (path, expiresIn, signal) =>
      attempt(path, signal, async () => {
        const { GetObjectCommand, HeadObjectCommand } = await import('@aws-sdk/client-s3');
        const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
        const object = locate(path);
        const head = new HeadObjectCommand(object);
        const { ContentLength } = await client.send(head, { abortSignal: signal });
        const disposition = nameAttachment(path);
        const command = new GetObjectCommand({
          ...object,
          ResponseContentDisposition: disposition,
        });
        const url = await getSignedUrl(client, command, { expiresIn });
        return { url, headers: {}, sizeBytes: ContentLength };
      }),
    async signUpload(path, expiresIn) {
      const { PutObjectCommand } = await import('@aws-sdk/client-s3');
      const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
      const { type = 'application/octet-stream' } = await guessContentType(path);
      const command = new PutObjectCommand({ ContentType: type, ...extra, ...locate(path) });
      const { headers, names } = watchHeaders(command);
      const signed = { signableHeaders: names, unhoistableHeaders: names };
      const url = await getSignedUrl(client, command, { expiresIn, ...signed });
      return { url, headers };
    },
  };
}

interface WatchedHeaders {
  readonly headers: Readonly<Record<string, string>>;
  readonly names: Set<string>;
}

/** What the object is to be stored with; filled when the command becomes a request, before that is signed. */
function watchHeaders({ middlewareStack }: PutObjectCommand): WatchedHeaders {
  const headers: Record<string, string> = {};
  const names = new Set<string>();
  middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { readonly headers: Readonly<Record<string, string>> };
      for (const [name, value] of Object.entries(request.headers)) {
        if (name === OWNER_HEADER || name === 'content-length') continue;
        headers[name] = value;
        names.add(name);
      }
      return next(args);
    },
    { step: 'build', priority: 'high' },
  );
  return { headers, names };
}

/** Who must own the bucket: it stands in the address. */
const OWNER_HEADER = 'x-amz-expected-bucket-owner';
