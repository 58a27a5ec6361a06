import type { Env } from './environment-variables.ts';

/** `HF_TOKEN` and `authToken`, but neither `MAX_TOKENS` nor `TOKENIZERS_PARALLELISM`. */
const SECRET_NAME =
  /PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|TOKEN$|ACCESS_?KEY|API_?KEY|PRIVATE_?KEY|CONNECTION_?STRING/i;
const MASK = '****';
/** Shorter values (`1`, `true`) are no secrets, and masking them would make a text unreadable. */
const SHORTEST_SECRET = 6;

/** True for variables and options whose value must never be shown: `AWS_SECRET_ACCESS_KEY`, `HF_TOKEN`. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * User and password of a URL: the password may hold `@` and `:`. The scheme's length is limited, so that
 * a long text without any URL is read once only.
 */
const USER_INFO = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)([^\s/:@'"]*)(?::([^\s/"]*))?@/gi;
/** `?password=pw`, `&X-Amz-Signature=...`: settings of databases, and what signs an address. */
const QUERY_SECRET = /([?&])([\w.-]{1,80})=([^\s&#'"`]+)/g;

/**
 * `https://user:pw@host/x` becomes `https://user:****@host/x`; a lone token before `@` is masked too, and
 * so is what a query calls a password, a token, a key or a signature.
 */
export function redactUrls(text: string): string {
  return text.replace(USER_INFO, maskUserInfo).replace(QUERY_SECRET, maskQuerySecret);
}

function maskUserInfo(_match: string, scheme: string, user: string, password?: string): string {
  if (password !== undefined) return `${scheme}${user}:${MASK}@`;
  return `${scheme}${/^http/i.test(scheme) ? MASK : user}@`;
}

function maskQuerySecret(match: string, before: string, name: string): string {
  return isSecretName(name) || /^sig$|signature$/i.test(name) ? `${before}${name}=${MASK}` : match;
}

/** Variables whose value only says where a secret lies. */
const NAMES_OF_PATHS = /_(FILE|PATH|DIR)$|^GOOGLE_APPLICATION_CREDENTIALS$/i;

/**
 * Makes the function through which every text for people passes: it masks passwords in URLs and the
 * values that secret-looking variables of `env` hold, wherever they turn up.
 */
export function createRedactor(env: Env): (text: string) => string {
  const secrets = Object.entries(env)
    .filter(([name]) => isSecretName(name) && !NAMES_OF_PATHS.test(name))
    .map(([, value]) => value ?? '')
    .filter((value) => value.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
  return (text) =>
    redactUrls(secrets.reduce((masked, secret) => masked.replaceAll(secret, MASK), text));
}
