import type { Env } from '../../core/environment-variables.ts';

export interface Remote {
  /** Without credentials: written to the mirror's configuration, shown, and hashed for its name. */
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Takes user and password out of an http(s) URL; other URLs stay as they are. */
export function splitCredentials(location: string): Remote {
  const [, scheme, user, password, rest] =
    /^(https?:\/\/)([^/?#:@]*)(?::([^/?#]*))?@([^@/]*(?:[/?#].*)?)$/is.exec(location) ?? [];
  if (scheme === undefined || rest === undefined) {
    return { url: location, username: undefined, password: undefined };
  }
  return {
    url: scheme + rest,
    username: decode(user),
    password: decode(password),
  };
}

function decode(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A password with a lone `%`, not encoded.
  }
}

/** Answers git's question with what is in its environment; a password never becomes an argument. */
const ANSWERING_HELPER =
  '!f() { test "$1" = get && printf \'username=%s\\npassword=%s\\n\' "$MLTS_GIT_USERNAME" "$MLTS_GIT_PASSWORD"; }; f';

/**
 * The environment in which git finds the credentials that the user wrote into the URL: as a credential
 * helper for that host alone, so that submodules and Git LFS have them too, and no file and no process
 * list does. Without credentials in the URL the user's own helpers are asked.
 */
export function addCredentials(env: Env, { url, username, password }: Remote): Env {
  if (username === undefined && password === undefined) return env;
  const { origin } = new URL(url);
  if (password === undefined) {
    return addConfig(env, [[`credential.${origin}.username`, username ?? '']]);
  }
  const helper = `credential.${origin}.helper`;
  const withSecrets = { ...env, MLTS_GIT_USERNAME: username ?? '', MLTS_GIT_PASSWORD: password };
  // The empty helper takes the user's own out of the row: they would store this password.
  return addConfig(withSecrets, [
    [helper, ''],
    [helper, ANSWERING_HELPER],
  ]);
}

/** Adds to what GIT_CONFIG_COUNT already holds. */
function addConfig(env: Env, pairs: readonly (readonly [string, string])[]): Env {
  const first = Number(env.GIT_CONFIG_COUNT ?? '0') || 0;
  const added = pairs.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${first + index}`, key],
    [`GIT_CONFIG_VALUE_${first + index}`, value],
  ]);
  return {
    ...env,
    ...(Object.fromEntries(added) as Record<string, string>),
    GIT_CONFIG_COUNT: String(first + pairs.length),
  };
}
