import type { Readable } from 'node:stream';
import type {
  GetObjectCommand,
  GetObjectCommandOutput,
  ListObjectsV2CommandOutput,
  S3Client,
} from '@aws-sdk/client-s3';
import { variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { joinPath, tooMuchToDelete } from './artifact-uri.ts';
import { throwReason } from './cancellation.ts';
import type { Checksum } from './checksum.ts';
import type { DirectTransfers } from './direct.ts';
import { createS3Client, isUnsigned } from './s3-client.ts';
import { deleteObjects } from './s3-deletion.ts';
import { createS3Transfers } from './s3-direct.ts';
import { judgeS3Error } from './s3-error.ts';
import { putObject, readExtraArguments } from './s3-upload.ts';
import type { ArtifactContent, ArtifactEntry, ArtifactStore, ResumePoint } from './store.ts';

interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; '' is the bucket itself. */
  readonly prefix: string;
}

/** What every request carries: who must own the bucket, where MLFLOW_S3_EXPECTED_BUCKET_OWNER is set. */
interface Bucket {
  readonly Bucket: string;
  readonly ExpectedBucketOwner?: string;
}

/** Artifacts in S3 or what speaks its protocol; folders are prefixes of keys. */
export async function openS3Store(base: string, context: Context): Promise<ArtifactStore> {
  const { bucket, prefix } = parseS3Uri(base);
  const client = await createS3Client(context);
  const owner = context.env[variables.s3ExpectedBucketOwner];
  const target: Bucket = { Bucket: bucket, ...(owner ? { ExpectedBucketOwner: owner } : {}) };
  const reword = (path: string) => (error: unknown) => {
    throw judgeS3Error(error, `s3://${joinPath(bucket, prefix, path)}`);
  };
  return {
    list: (path, signal) =>
      listEntries(client, target, { prefix, path }, signal).catch(
        throwReason(signal, reword(path)),
      ),
    read: (path, from, signal) =>
      readObject(client, target, joinPath(prefix, path), from, signal).catch(
        throwReason(signal, reword(path)),
      ),
    async write(path, source) {
      const Key = joinPath(prefix, path);
      const extra = readExtraArguments(context.env);
      await putObject(client, { ...target, ...extra, Key }, source).catch(
        throwReason(source.signal, reword(path)),
      );
    },
    async delete(path, signal) {
      const key = joinPath(prefix, path);
      if (key === '') throw tooMuchToDelete(base);
      return deleteObjects(client, target, key, signal).catch(throwReason(signal, reword(path)));
    },
    close: async () => client.destroy(),
    ...(isUnsigned(context.env) ? {} : { direct: createDirect() }),
  };

  function createDirect(): DirectTransfers {
    return createS3Transfers({
      client,
      locate: (path) => ({ ...target, Key: joinPath(prefix, path) }),
      extra: readExtraArguments(context.env),
      attempt: (path, signal, work) => work().catch(throwReason(signal, reword(path))),
    });
  }
}

function parseS3Uri(uri: string): S3Place {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/is.exec(uri) ?? [];
  if (bucket !== undefined) return { bucket, prefix: prefix.replace(/\/+$/, '') };
  throw new InvalidInput(`\`${uri}\` does not name a bucket`, {
    hint: 'write s3://BUCKET/path/of/object',
  });
}

async function listEntries(
  client: S3Client,
  target: Bucket,
  { prefix, path }: { readonly prefix: string; readonly path: string },
  signal: AbortSignal,
): Promise<readonly ArtifactEntry[]> {
  const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
  const folder = joinPath(prefix, path);
  const Prefix = folder === '' ? '' : `${folder}/`;
  const query = { ...target, Prefix, Delimiter: '/' };
  const entries: ArtifactEntry[] = [];
  for await (const page of paginateListObjectsV2({ client }, query, { abortSignal: signal })) {
    entries.push(...readPage(page, Prefix, path));
  }
  return entries;
}

/** Keys that end with `/` and hold nothing stand for folders: consoles make them. */
function readPage(
  { CommonPrefixes = [], Contents = [] }: ListObjectsV2CommandOutput,
  prefix: string,
  path: string,
): readonly ArtifactEntry[] {
  const below = (key: string): string => joinPath(path, key.slice(prefix.length));
  const folders = CommonPrefixes.map(({ Prefix = '' }) => ({
    path: below(Prefix.replace(/\/$/, '')),
    isDirectory: true,
    sizeBytes: undefined,
  }));
  const files = Contents.filter(({ Key = '' }) => !Key.endsWith('/')).map(
    ({ Key = '', Size, ETag }) => ({
      path: below(Key),
      isDirectory: false,
      sizeBytes: Size,
      version: ETag,
    }),
  );
  return [...folders, ...files];
}

async function readObject(
  client: S3Client,
  target: Bucket,
  key: string,
  { offset, version }: ResumePoint,
  signal: AbortSignal,
): Promise<ArtifactContent> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  const rest =
    offset > 0 && version !== undefined ? { Range: `bytes=${offset}-`, IfMatch: version } : {};
  const command = new GetObjectCommand({ ...target, Key: key, ...rest });
  askForChecksum(command);
  return readContent(await client.send(command, { abortSignal: signal }));
}

/** Said to the SDK itself, it would put a stream before the body, which hides a connection that breaks. */
function askForChecksum({ middlewareStack }: GetObjectCommand): void {
  middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { readonly headers: Record<string, string> };
      headers['x-amz-checksum-mode'] = 'ENABLED';
      return next(args);
    },
    { step: 'build' },
  );
}

function readContent(output: GetObjectCommandOutput): ArtifactContent {
  const { Body, ContentLength, ContentRange, ETag } = output;
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? '');
  return {
    // In Node the SDK's body is the response itself.
    stream: Body as Readable,
    offset: Number(range?.[1] ?? 0),
    sizeBytes: range === null ? ContentLength : Number(range[2]),
    version: ETag,
    checksum: readChecksum(output),
  };
}

/** That of an object in parts may be made of those of its parts (`abc=-3`): nothing to compare with. */
function readChecksum(output: GetObjectCommandOutput): Checksum | undefined {
  const known: readonly (readonly [Checksum['algorithm'], string | undefined])[] = [
    ['crc32', output.ChecksumCRC32],
    ['crc32c', output.ChecksumCRC32C],
    ['crc64nvme', output.ChecksumCRC64NVME],
    ['sha1', output.ChecksumSHA1],
    ['sha256', output.ChecksumSHA256],
  ];
  const [found] = known.filter(([, value]) => value !== undefined && !value.includes('-'));
  if (found === undefined || output.ChecksumType === 'COMPOSITE') return undefined;
  return { algorithm: found[0], value: found[1] ?? '' };
}
