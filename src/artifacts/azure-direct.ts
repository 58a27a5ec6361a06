import { randomUUID } from 'node:crypto';
import type { ContainerClient } from '@azure/storage-blob';
import { InvalidInput } from '../core/errors.ts';
import { joinPath } from './artifact-uri.ts';
import type { Attempt } from './azure-store.ts';
import { guessContentType } from './content-type.ts';
import {
  type DirectTransfers,
  listPartNumbers,
  PART_EXPIRY_SECONDS,
  partsNotSupported,
  type SentPart,
} from './direct.ts';

const NUMBER_DIGITS = 5;

/**
 * Signs addresses of a blob's blocks with the account's key (`azure_blob_artifact_repo.py`). Blocks have names of
 * their own for each upload, so that two of the same blob do not mix. Azure drops what is not finished after a week.
 */
export function createAzureTransfers(
  container: ContainerClient,
  prefix: string,
  attemptAt: (path: string, signal: AbortSignal) => Attempt,
): DirectTransfers {
  return {
    async startUpload(path, partCount) {
      const azure = await import('@azure/storage-blob');
      const { credential } = container;
      if (!(credential instanceof azure.StorageSharedKeyCredential)) throw partsNotSupported();
      const key = joinPath(prefix, path);
      const signed = {
        containerName: container.containerName,
        blobName: key,
        permissions: azure.BlobSASPermissions.parse('w'),
        expiresOn: new Date(Date.now() + PART_EXPIRY_SECONDS * 1_000),
      };
      const query = azure.generateBlobSASQueryParameters(signed, credential).toString();
      const { url } = container.getBlockBlobClient(key);
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
  };
}

/** A part is known by the address that it was sent to. @throws InvalidInput */
function readBlockId({ number, url }: SentPart): string {
  const id = URL.parse(url)?.searchParams.get('blockid');
  if (id) return id;
  throw new InvalidInput(`part ${number} does not say by \`url\` where it was sent`);
}
