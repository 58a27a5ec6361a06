import { randomUUID } from 'node:crypto';
import type { ContainerClient } from '@azure/storage-blob';
import { InvalidInput } from '../core/errors.ts';
import { joinPath } from './artifact-uri.ts';
import type { SignBlob } from './azure-signing.ts';
import type { Attempt } from './azure-store.ts';
import { guessContentType } from './content-type.ts';
import {
  type DirectTransfers,
  listPartNumbers,
  nameAttachment,
  PART_EXPIRY_SECONDS,
  partsNotSupported,
  type SentPart,
} from './direct.ts';

const NUMBER_DIGITS = 5;

export interface AzureBlobs {
  readonly container: ContainerClient;
  readonly prefix: string;
  readonly sign: SignBlob;
  attemptAt(path: string, signal: AbortSignal): Attempt;
}

/**
 * Gives out signed addresses of a blob's blocks (`azure_blob_artifact_repo.py`), of data lakes as well, which take them
 * as blobs. Blocks have names of their own for each upload, so that two of the same blob do not mix. Azure drops what is
 * not finished after a week.
 */
export function createAzureTransfers(blobs: AzureBlobs): DirectTransfers {
  const { container, prefix, sign, attemptAt } = blobs;
  return {
    async startUpload(path, partCount) {
      const blobName = joinPath(prefix, path);
      const query = await sign({ blobName, permissions: 'w', seconds: PART_EXPIRY_SECONDS });
      if (query === undefined) throw partsNotSupported();
      const { url } = container.getBlockBlobClient(blobName);
      const upload = randomUUID();
      const parts = listPartNumbers(partCount).map((number) => {
        const block = `${upload}-${String(number).padStart(NUMBER_DIGITS, '0')}`;
        const id = encodeURIComponent(Buffer.from(block).toString('base64'));
        return { number, url: `${url}?comp=block&blockid=${id}&${query}` };
      });
      return { uploadId: undefined, parts };
    },
    async finishUpload(path, _uploadId, parts, signal) {
      const ids = parts.map(readBlockId);
      const { type } = await guessContentType(path);
      const blobHTTPHeaders = type === undefined ? {} : { blobContentType: type };
      const blob = container.getBlockBlobClient(joinPath(prefix, path));
      await attemptAt(
        path,
        signal,
      )((abortSignal) => blob.commitBlockList(ids, { abortSignal, blobHTTPHeaders }));
    },
    dropUpload: async () => {},
    async signDownload(path, seconds, signal) {
      const blobName = joinPath(prefix, path);
      const blob = container.getBlobClient(blobName);
      const { contentLength } = await attemptAt(
        path,
        signal,
      )((abortSignal) => blob.getProperties({ abortSignal }));
      const contentDisposition = nameAttachment(path);
      const query = await sign({ blobName, permissions: 'r', seconds, contentDisposition });
      if (query === undefined) return undefined;
      return { url: `${blob.url}?${query}`, headers: {}, sizeBytes: contentLength };
    },
  };
}

/** A part is known by the address that it was sent to. @throws InvalidInput */
function readBlockId({ number, url }: SentPart): string {
  const id = URL.parse(url)?.searchParams.get('blockid');
  if (id) return id;
  throw new InvalidInput(`part ${number} does not say by \`url\` where it was sent`);
}
