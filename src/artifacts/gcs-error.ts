import { InvalidInput, MltsError, NotFound, Unavailable } from '../core/errors.ts';
import { distrustError, isTlsCode } from '../host/http/certificates.ts';

/** What Google's libraries throw, as far as it matters here. */
interface GcsFailure {
  readonly message: string;
  /** An HTTP status, or a code of the operating system. */
  readonly code?: number | string;
  readonly status?: number | string;
}

const CREDENTIALS_HINT =
  'set GOOGLE_APPLICATION_CREDENTIALS, or run: gcloud auth application-default login';
const REFUSED_LOGIN =
  /could not load the default credentials|invalid_grant|invalid_client|invalid_rapt|unauthorized_client|private key|refresh access token/i;

/** Turns an error of the Google client into ours; `uri` is what was asked for. */
export function judgeGcsError(cause: unknown, uri: string): MltsError {
  if (cause instanceof Unavailable) return new Unavailable(`${uri}: ${cause.message}`, { cause });
  if (cause instanceof MltsError) return cause;
  const failure = cause as GcsFailure;
  if (isTlsCode(failure.code)) return distrustError(uri, 'REQUESTS_CA_BUNDLE', cause);
  const status = Number(failure.code ?? failure.status);
  const said = readMessage(failure);
  if (status === 401 || REFUSED_LOGIN.test(failure.message)) {
    return new MltsError('UNAUTHENTICATED', `${uri}: ${said}`, { hint: CREDENTIALS_HINT, cause });
  }
  if (status === 403) {
    return new MltsError('PERMISSION_DENIED', `${uri}: ${said}`, {
      hint: 'these Google credentials are not allowed to do that: ask who owns the bucket, or use others',
      cause,
    });
  }
  if (status === 404 && /bucket/i.test(said)) {
    return new NotFound(`the bucket of ${uri} does not exist`, { cause });
  }
  if (status === 404) return new NotFound(`${uri} does not exist`, { cause });
  if (Number.isNaN(status) || status === 408 || status === 429 || status >= 500) {
    return new Unavailable(`${uri}: ${said}`, {
      hint: 'check the network, and STORAGE_EMULATOR_HOST where it is set',
      cause,
    });
  }
  return new InvalidInput(`${uri}: ${said}`, { cause });
}

/** Some answers are passed on as the JSON or the page that came. */
function readMessage({ message, code }: GcsFailure): string {
  // node-fetch tells the address first, and the reason behind it.
  const reason = /^request to \S+ failed, reason: (.+)$/s.exec(message)?.[1];
  const inJson = /"message":\s*"((?:[^"\\]|\\.)*)"/.exec(message)?.[1];
  const [first = ''] = (reason ?? inJson ?? message).trim().split('\n');
  return first.slice(0, 300) || `it failed with ${code ?? 'no reason'}`;
}
