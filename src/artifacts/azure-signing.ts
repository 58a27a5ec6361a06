import type { BlobSASSignatureValues, BlobServiceClient } from '@azure/storage-blob';
import { MltsError } from '../core/errors.ts';
import type { AzurePlace } from './azure-client.ts';
import { DelegationKeys, SKEW_MS } from './azure-delegation.ts';
import type { Attempt } from './azure-store.ts';

export interface SignedPurpose {
  readonly blobName: string;
  readonly permissions: 'r' | 'w';
  readonly seconds: number;
  /** What the store says with the blob in place of its own. */
  readonly contentDisposition?: string;
}

/** The query that makes a blob's address one that is good for a purpose; undefined where the login may not sign. */
export type SignBlob = (purpose: SignedPurpose) => Promise<string | undefined>;

export interface SigningHelp {
  /** Fetches a key, for all who wait for it. */
  readonly attempt: Attempt;
  readonly tell: (note: string) => void;
  readonly now: () => number;
}

/**
 * How addresses are signed: with the account's key, or with one that a login is given for some time (a user delegation
 * key; `azure_blob_artifact_repo.py`). Undefined where we only hold an address that another has signed.
 */
export async function createBlobSigner(
  service: BlobServiceClient,
  { container, account }: AzurePlace,
  help: SigningHelp,
): Promise<SignBlob | undefined> {
  const azure = await import('@azure/storage-blob');
  const { credential } = service;
  if (credential instanceof azure.AnonymousCredential) return undefined;
  const describe = ({ blobName, permissions, seconds, ...rest }: SignedPurpose) => ({
    containerName: container,
    blobName,
    permissions: azure.BlobSASPermissions.parse(permissions),
    expiresOn: new Date(help.now() + seconds * 1_000),
    ...rest,
  });
  if (credential instanceof azure.StorageSharedKeyCredential) {
    return async (purpose) =>
      azure.generateBlobSASQueryParameters(describe(purpose), credential).toString();
  }
  const keys = new DelegationKeys(
    (startsOn, endsOn) =>
      help.attempt((abortSignal) =>
        service.getUserDelegationKey(startsOn, endsOn, { abortSignal }),
      ),
    help.now,
  );
  const ask = forgiveRefusals(help.tell);
  return async (purpose) => {
    const key = await ask(() => keys.get(purpose.seconds * 1_000));
    if (key === undefined) return undefined;
    const described = describe(purpose);
    const signed: BlobSASSignatureValues = {
      ...described,
      startsOn: new Date(help.now() - SKEW_MS),
      // Past the end of the key that signed it, Azure takes no address.
      expiresOn: new Date(Math.min(Number(described.expiresOn), Number(key.signedExpiresOn))),
    };
    return azure.generateBlobSASQueryParameters(signed, key, account).toString();
  };
}

/** A login that may read and write need not be one that may sign: that is told once, with the mend. */
function forgiveRefusals(
  tell: (note: string) => void,
): <T>(work: () => Promise<T>) => Promise<T | undefined> {
  let isTold = false;
  return async (work) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MltsError) || error.code !== 'PERMISSION_DENIED') throw error;
      if (!isTold) tell(`${REFUSED_NOTE} (${error.message})`);
      isTold = true;
      return undefined;
    }
  };
}

const REFUSED_NOTE =
  'this login may not sign addresses, so large files go through this server; the role "Storage Blob Delegator" on the storage account lets it';
