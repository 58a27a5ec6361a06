import { createHash } from 'node:crypto';
import type { BlockBlobClient } from '@azure/storage-blob';
import pMap from 'p-map';
import { readParts } from '../host/file-transfer.ts';
import type { Attempt } from './azure-store.ts';
import { guessContentType } from './content-type.ts';
import type { UploadSource } from './store.ts';

/** Files that are larger go up in blocks; a blob takes 50 000 of them. */
const SMALLEST_BLOCK_BYTES = 8 * 1024 * 1024;
const MOST_BLOCKS = 50_000;
const BLOCKS_AT_ONCE = 4;

/**
 * Puts a file as one blob, in blocks where it is large (`AzureBlobArtifactRepository.log_artifact`). Azure
 * compares the MD5 of what arrives, and shows the blob when all of it is there; blocks of an upload that
 * failed are dropped by Azure after a week.
 */
export async function putBlob(
  blob: BlockBlobClient,
  source: UploadSource,
  attempt: Attempt,
): Promise<void> {
  const { file, sizeBytes, onBytes } = source;
  const { type } = await guessContentType(file);
  const headers = type === undefined ? {} : { blobContentType: type };
  const blockBytes = Math.max(SMALLEST_BLOCK_BYTES, Math.ceil(sizeBytes / MOST_BLOCKS));
  if (sizeBytes > blockBytes) return putBlocks(blob, source, { blockBytes, headers, attempt });
  for await (const bytes of readParts(file, sizeBytes, blockBytes)) {
    const transactionalContentMD5 = createHash('md5').update(bytes).digest();
    const options = { blobHTTPHeaders: headers, transactionalContentMD5 };
    await attempt((abortSignal) => blob.upload(bytes, bytes.length, { ...options, abortSignal }));
    onBytes(bytes.length);
  }
}

interface BlockOptions {
  readonly blockBytes: number;
  readonly headers: { readonly blobContentType?: string };
  readonly attempt: Attempt;
}

async function putBlocks(
  blob: BlockBlobClient,
  { file, sizeBytes, onBytes }: UploadSource,
  { blockBytes, headers, attempt }: BlockOptions,
): Promise<void> {
  const whole = createHash('md5');
  const ids: string[] = [];
  const prepare = async function* (): AsyncGenerator<{ id: string; bytes: Buffer }> {
    for await (const bytes of readParts(file, sizeBytes, blockBytes)) {
      whole.update(bytes);
      const id = Buffer.from(String(ids.length).padStart(6, '0')).toString('base64');
      ids.push(id);
      yield { id, bytes };
    }
  };
  const stage = async ({ id, bytes }: { id: string; bytes: Buffer }): Promise<void> => {
    const transactionalContentMD5 = createHash('md5').update(bytes).digest();
    await attempt((abortSignal) =>
      blob.stageBlock(id, bytes, bytes.length, { abortSignal, transactionalContentMD5 }),
    );
    onBytes(bytes.length);
  };
  const blocks = prepare();
  // Closes the file where not all of it was read.
  await pMap(blocks, stage, { concurrency: BLOCKS_AT_ONCE }).finally(() =>
    blocks.return(undefined),
  );
  // Kept with the blob, for those who read it.
  const blobHTTPHeaders = { ...headers, blobContentMD5: whole.digest() };
  await attempt((abortSignal) => blob.commitBlockList(ids, { abortSignal, blobHTTPHeaders }));
}
