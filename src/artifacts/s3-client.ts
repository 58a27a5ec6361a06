import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { type Env, readFlag, variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { readTextIfPresent } from '../host/files.ts';
import { createS3Retries } from './s3-retries.ts';

const TIMEOUT_MS = 60_000;
/** Where boto3, and with it MLflow, looks when nothing names a region. */
const DEFAULT_REGION = 'us-east-1';

/**
 * Makes a client that reads what MLflow and boto3 read (`mlflow/store/artifact/s3_artifact_repo.py`):
 * the MLFLOW_S3_* variables, AWS_DEFAULT_REGION, AWS_CA_BUNDLE, proxies. Credentials are found by the
 * SDK's own chain: variables, profiles, single sign-on, the machine's role.
 */
export async function createS3Client({ env, terminal }: Context): Promise<S3Client> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  const retryStrategy = createS3Retries((note) => terminal.note(note));
  const settings = { ...(await readSettings(env)), retryStrategy };
  const client = new S3Client(settings);
  const region = await client.config.region().catch(() => undefined);
  return region === undefined ? new S3Client({ ...settings, region: DEFAULT_REGION }) : client;
}

async function readSettings(env: Env): Promise<S3ClientConfig> {
  const endpoint =
    env[variables.s3EndpointUrl] || env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined;
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  return {
    ...(endpoint === undefined ? {} : { endpoint: checkEndpoint(endpoint) }),
    ...(region ? { region } : {}),
    ...readCredentials(env),
    forcePathStyle: usesPathStyle(env, endpoint),
    followRegionRedirects: true,
    // Only AWS itself knows checksums of requests that have no content.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    // Else a checking stream is put before the body, which hides a connection that breaks.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      httpAgent: { proxyEnv: env },
      httpsAgent: { proxyEnv: env, ...(await readTls(env)) },
    },
  };
}

/** Keys in `env` come first in the SDK's chain too; given here, they need not be in our own process. */
function readCredentials(env: Env): Pick<S3ClientConfig, 'credentials' | 'signer'> {
  if (isUnsigned(env)) return ANONYMOUS;
  const accessKeyId = env.AWS_ACCESS_KEY_ID;
  const secretAccessKey = env.AWS_SECRET_ACCESS_KEY;
  if (!accessKeyId || !secretAccessKey) return {};
  const sessionToken = env.AWS_SESSION_TOKEN;
  return {
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
  };
}

/** Requests are to carry no signature: for public buckets. */
export function isUnsigned(env: Env): boolean {
  return env[variables.s3SignatureVersion]?.toLowerCase() === 'unsigned';
}

/** For public buckets. The SDK wants credentials even where nothing is signed with them. */
const ANONYMOUS: Pick<S3ClientConfig, 'credentials' | 'signer'> = {
  credentials: { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' },
  signer: { sign: async (request) => request },
};

/** As botocore decides: a server of one's own seldom has a host name for each bucket. */
function usesPathStyle(env: Env, endpoint: string | undefined): boolean {
  const style = env[variables.s3AddressingStyle]?.toLowerCase();
  return endpoint === undefined ? style === 'path' : style !== 'virtual';
}

function checkEndpoint(endpoint: string): string {
  if (/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) return endpoint;
  throw new InvalidInput(`the S3 endpoint \`${endpoint}\` is no http or https address`, {
    hint: `write ${variables.s3EndpointUrl}=http://host:port`,
  });
}

async function readTls(env: Env): Promise<{ rejectUnauthorized: boolean; ca?: string }> {
  const rejectUnauthorized = !readFlag(env, variables.s3IgnoreTls);
  const path = env.AWS_CA_BUNDLE;
  if (!path) return { rejectUnauthorized };
  const ca = await readTextIfPresent(path);
  if (ca === undefined) {
    throw new InvalidInput(`AWS_CA_BUNDLE names \`${path}\`, which does not exist`);
  }
  return { rejectUnauthorized, ca };
}
