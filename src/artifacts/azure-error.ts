import { InvalidInput, MltsError, NotFound, Unavailable } from '../core/errors.ts';
import { distrustError, isTlsCode } from '../host/http/certificates.ts';

/** What Azure's libraries throw, as far as it matters here. */
interface AzureFailure {
  readonly name: string;
  readonly message: string;
  readonly statusCode?: number;
  readonly code?: string;
}

const CREDENTIALS_HINT =
  'set AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCESS_KEY, or log in with: az login';
const REFUSED_CODES = new Set(['AuthenticationFailed', 'InvalidAuthenticationInfo']);

/** Turns an error of the Azure client into ours; `uri` is what was asked for. */
export function judgeAzureError(cause: unknown, uri: string): MltsError {
  if (cause instanceof MltsError) return cause;
  const failure = cause as AzureFailure;
  const { statusCode: status, code } = failure;
  const said = readMessage(failure);
  if (isTlsCode(code)) return distrustError(uri, 'REQUESTS_CA_BUNDLE', cause);
  if (code === 'ContainerNotFound') {
    return new NotFound(`the container of ${uri} does not exist`, { cause });
  }
  if (status === 404) return new NotFound(`${uri} does not exist`, { cause });
  if (status === 412) return new Unavailable(`${uri} changed while it was read`, { cause });
  if (isRefused(failure)) {
    return new MltsError('UNAUTHENTICATED', `${uri}: ${said}`, { hint: CREDENTIALS_HINT, cause });
  }
  if (status === 403) {
    return new MltsError('PERMISSION_DENIED', `${uri}: ${said}`, {
      hint: 'these Azure credentials are not allowed to do that: ask who owns the account, or use others',
      cause,
    });
  }
  if (
    status === undefined ||
    code === 'Md5Mismatch' ||
    status === 408 ||
    status === 429 ||
    status >= 500
  ) {
    return new Unavailable(`${uri}: ${said}`, {
      hint: 'check the network and the name of the storage account',
      cause,
    });
  }
  return new InvalidInput(`${uri}: ${said}`, { cause });
}

/** No login could be had, or the store does not take it. */
function isRefused({ name, statusCode, code = '' }: AzureFailure): boolean {
  const hasNoLogin = /^(Aggregate)?Authentication|^Credential/.test(name);
  return hasNoLogin || statusCode === 401 || (statusCode === 403 && REFUSED_CODES.has(code));
}

/** One line: the ids of the request and the time stand below it. */
function readMessage({ message, code, name }: AzureFailure): string {
  const [first = ''] = message.trim().split('\n');
  return first.slice(0, 300) || (code ?? name);
}
