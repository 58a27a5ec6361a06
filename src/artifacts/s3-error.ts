import { InvalidInput, MltsError, NotFound, Unavailable } from '../core/errors.ts';
import { distrustError, isTlsCode } from '../host/http/certificates.ts';

/** What the SDK throws, as far as it matters here. */
interface S3Failure {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const CREDENTIALS_HINT = 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE';

/** Turns an error of the S3 client into ours; `uri` is what was asked for. */
export function judgeS3Error(cause: unknown, uri: string): MltsError {
  const failure = cause as S3Failure;
  const { name, message } = failure;
  const status = failure.$metadata?.httpStatusCode;
  const said = message === '' || message === 'UnknownError' ? name : message;
  if (isTlsCode(failure.code)) return distrustError(uri, 'AWS_CA_BUNDLE', cause);
  if (name === 'NoSuchBucket') {
    return new NotFound(`the bucket of ${uri} does not exist`, { cause });
  }
  if (status === 404) return new NotFound(`${uri} does not exist`, { cause });
  if (status === 412) return new Unavailable(`${uri} changed while it was read`, { cause });
  if (status === 401 || REFUSED_KEYS.has(name)) {
    return new MltsError('UNAUTHENTICATED', `${uri}: ${said}`, { hint: CREDENTIALS_HINT, cause });
  }
  if (status === 403) {
    return new MltsError('PERMISSION_DENIED', `${uri}: ${said}`, {
      hint: 'these AWS credentials are not allowed to do that: ask who owns the bucket, or use others',
      cause,
    });
  }
  if (isTransient(failure)) {
    return new Unavailable(`${uri}: ${said}`, {
      hint: 'check the network, and MLFLOW_S3_ENDPOINT_URL where it is set',
      cause,
    });
  }
  return new InvalidInput(`${uri}: ${said}`, { cause });
}

const REFUSED_KEYS = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenProviderError',
]);

/** What arrived is not what was sent. */
export const DAMAGED: ReadonlySet<string> = new Set(['BadDigest', 'XAmzContentChecksumMismatch']);

/** No answer at all, or one that says that the server is to blame. */
function isTransient({ name, code, $metadata }: S3Failure): boolean {
  if (DAMAGED.has(name)) return true;
  const status = $metadata?.httpStatusCode;
  return name === 'TimeoutError' || code !== undefined || (status !== undefined && status >= 500);
}
