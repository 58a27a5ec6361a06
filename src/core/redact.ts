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

/** `https://user:pw@host/x` becomes `https://user:****@host/x`; a lone token before `@` is masked too. */
export function redactUrls(text: string): string {
  return text.replace(
    /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/:@'"]*)(?::([^\s/@'"]*))?@/gi,
    (_match, scheme: string, user: string, password: string | undefined) =>
      password === undefined && !scheme.startsWith('http')
        ? `${scheme}${user}@`
        : password === undefined
          ? `${scheme}${MASK}@`
          : `${scheme}${user}:${MASK}@`,
  );
}

/**
 * Makes the function through which every text for people passes: it masks passwords in URLs and the
 * values that secret-looking variables of `env` hold, wherever they turn up.
 */
export function createRedactor(env: Env): (text: string) => string {
  const secrets = Object.entries(env)
    .filter(([name, value]) => isSecretName(name) && (value ?? '').length >= SHORTEST_SECRET)
    .map(([, value]) => value as string)
    .filter((value) => !value.startsWith('/'))
    .sort((a, b) => b.length - a.length);
  return (text) =>
    redactUrls(secrets.reduce((masked, secret) => masked.replaceAll(secret, MASK), text));
}
