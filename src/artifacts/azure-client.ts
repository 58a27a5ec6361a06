import type { BlobServiceClient, StoragePipelineOptions } from '@azure/storage-blob';
import { type Env, variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import { trustBundle } from '../host/http/certificates.ts';
import { decodeLeniently } from './artifact-uri.ts';

/** Where artifacts lie in Azure; folders are prefixes of names. */
export interface AzurePlace {
  /** `wasbs` or `abfss`: which of MLflow's two stores is meant, each with credentials of its own. */
  readonly kind: 'wasbs' | 'abfss';
  readonly container: string;
  readonly account: string;
  /** Of the account's blobs: `account.blob.core.windows.net`. */
  readonly host: string;
  /** Without slashes at its ends; '' is the container itself. */
  readonly prefix: string;
}

const BLOB_HOST = /^[^.]+\.blob\.core\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/;

/**
 * Reads `wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/path` and
 * `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/path`. What a data lake holds is asked for as blobs, which
 * it takes for the same thing.
 *
 * @throws InvalidInput for another form, and, as MLflow, for `wasbs` outside of Azure's three clouds.
 */
export function parseAzureUri(uri: string): AzurePlace {
  const [, scheme = '', container = '', domain = '', path = ''] =
    /^(wasbs?|abfss?):\/\/([^@/]+)@([^/]+)\/*(.*)$/is.exec(uri) ?? [];
  const kind = /^abfs/i.test(scheme) ? 'abfss' : 'wasbs';
  const host = kind === 'abfss' ? domain.replace(/(^|\.)dfs\./, '$1blob.') : domain;
  const account = host.split('.')[0] ?? '';
  if (container === '' || account === '' || (kind === 'wasbs' && !BLOB_HOST.test(host))) {
    throw new InvalidInput(`\`${uri}\` does not name a container of Azure`, {
      hint: 'write wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/path, or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/path',
    });
  }
  // As MLflow does for data lakes only (`_parse_abfss_uri`).
  const prefix = (kind === 'abfss' ? decodeLeniently(path) : path).replace(/^\/+|\/+$/g, '');
  return { kind, container, account, host, prefix };
}

/**
 * Makes a client with the credentials that MLflow reads (`azure_blob_artifact_repo.py`,
 * `azure_data_lake_artifact_repo.py`): a SAS token first for a data lake, then the connection string, the
 * account's key, and at last whatever Azure's own chain finds (variables, the command line, the machine).
 *
 * @throws InvalidInput for a connection string that is none.
 */
export async function createServiceClient(place: AzurePlace, env: Env): Promise<BlobServiceClient> {
  await trustBundle(env);
  const { BlobServiceClient, StorageSharedKeyCredential } = await import('@azure/storage-blob');
  const url = `https://${place.host}`;
  const sas = env[variables.azureSasToken];
  const key = env[variables.azureAccessKey];
  if (sas && place.kind === 'abfss') {
    const signed = `${url}?${sas.replace(/^\?/, '')}`;
    return new BlobServiceClient(signed, undefined, OPTIONS);
  }
  if (env[variables.azureConnectionString]) return connectByString(env);
  const credential = key
    ? createSharedKey(() => new StorageSharedKeyCredential(place.account, key))
    : await findCredential();
  return new BlobServiceClient(url, credential, OPTIONS);
}

/** What is tried again is decided, and told, by `withRetries`. */
const OPTIONS: StoragePipelineOptions = { retryOptions: { maxTries: 1 } };

async function connectByString(env: Env): Promise<BlobServiceClient> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  try {
    const text = env[variables.azureConnectionString] ?? '';
    return BlobServiceClient.fromConnectionString(text, OPTIONS);
  } catch {
    // The library's own words may quote the key.
    throw new InvalidInput(`${variables.azureConnectionString} is no connection string of Azure`, {
      hint: "copy it from the storage account's access keys: DefaultEndpointsProtocol=https;AccountName=...;AccountKey=...",
    });
  }
}

function createSharedKey<T>(create: () => T): T {
  try {
    return create();
  } catch {
    throw new InvalidInput(`${variables.azureAccessKey} is no key of a storage account`);
  }
}

async function findCredential(): Promise<import('@azure/identity').TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}
