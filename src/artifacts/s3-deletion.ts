import type { _Object, _Error as ObjectError, S3Client } from '@aws-sdk/client-s3';
import type { TreeSize } from './store.ts';

/** S3 takes 1000 keys in one request, and lists no more in one page. */
const MOST_KEYS = 1_000;

/**
 * Removes the object of this key and all whose keys start with it and a `/`
 * (`S3ArtifactRepository.delete_artifacts`). A bucket that keeps versions keeps these too.
 */
export async function deleteObjects(
  client: S3Client,
  target: { readonly Bucket: string },
  key: string,
  signal: AbortSignal,
): Promise<TreeSize> {
  let [files, sizeBytes] = [0, 0];
  for await (const objects of listObjects(client, target, key, signal)) {
    await deleteBatch(client, target, objects, signal);
    files += objects.filter(({ Key = '' }) => !Key.endsWith('/')).length;
    sizeBytes += objects.reduce((sum, { Size = 0 }) => sum + Size, 0);
  }
  return { files, sizeBytes };
}

/** In pages. Of all keys that begin with its own, the object's own comes first. */
async function* listObjects(
  client: S3Client,
  target: { readonly Bucket: string },
  key: string,
  signal: AbortSignal,
): AsyncIterable<readonly _Object[]> {
  const { ListObjectsV2Command, paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
  const options = { abortSignal: signal };
  const own = new ListObjectsV2Command({ ...target, Prefix: key, MaxKeys: 1 });
  const { Contents: first = [] } = await client.send(own, options);
  if (first[0]?.Key === key) yield first;
  const query = { ...target, Prefix: `${key}/`, MaxKeys: MOST_KEYS };
  for await (const { Contents: page = [] } of paginateListObjectsV2({ client }, query, options)) {
    if (page.length > 0) yield page;
  }
}

async function deleteBatch(
  client: S3Client,
  target: { readonly Bucket: string },
  objects: readonly _Object[],
  signal: AbortSignal,
): Promise<void> {
  const { DeleteObjectsCommand } = await import('@aws-sdk/client-s3');
  const keys = objects.map(({ Key }) => ({ Key }));
  const command = new DeleteObjectsCommand({ ...target, Delete: { Objects: keys, Quiet: true } });
  const { Errors = [] } = await client.send(command, { abortSignal: signal });
  const [failure] = Errors;
  if (failure !== undefined) throw toFailure(failure, Errors.length);
}

/** The request as a whole succeeds even where some of its objects may not be deleted. */
function toFailure({ Key, Code = 'Error', Message = Code }: ObjectError, count: number): Error {
  const others = count > 1 ? ` and ${count - 1} more` : '';
  const failure = new Error(`\`${Key}\`${others} cannot be deleted: ${Message}`);
  const httpStatusCode = Code === 'AccessDenied' ? 403 : 500;
  return Object.assign(failure, { name: Code, $metadata: { httpStatusCode } });
}
