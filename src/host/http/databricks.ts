import { homedir } from 'node:os';
import { type Env, variables } from '../../core/environment-variables.ts';
import { InvalidInput } from '../../core/errors.ts';
import { readTextIfPresent } from '../files.ts';
import { parseIni } from '../ini-file.ts';
import type { ServerLogin } from './settings.ts';

/** A workspace, and how one logs in there. */
export interface DatabricksServer {
  readonly url: string;
  readonly login: ServerLogin;
}

/** Is it a workspace of Databricks: `databricks`, `databricks://PROFILE`, or a form of it that is refused? */
export function isDatabricksUri(uri: string): boolean {
  return /^(databricks|databricks-uc|uc)(:|$)/i.test(uri);
}

/**
 * Refuses the forms that have no REST API of MLflow's behind them, before anything else is done.
 *
 * @throws InvalidInput for secret scopes, and for Unity Catalog.
 */
export function checkDatabricksUri(uri: string): void {
  if (/^(databricks-)?uc(:|$)/i.test(uri)) {
    throw new InvalidInput(`mlts does not speak Unity Catalog (\`${uri}\`)`, {
      hint: `use MLflow for it, or the workspace's own registry: ${variables.registryUri}=databricks`,
    });
  }
  if (readProfile(uri)?.includes(':')) {
    throw new InvalidInput(
      `\`${uri}\` names a secret scope, which only Databricks itself can read`,
      { hint: 'write databricks://PROFILE, with a profile of ~/.databrickscfg' },
    );
  }
}

/** Undefined where none is named. */
function readProfile(uri: string): string | undefined {
  if (uri === 'databricks') return undefined;
  const [, profile] = /^databricks:\/\/([^/]+)\/?$/i.exec(uri) ?? [];
  if (profile !== undefined) return profile;
  throw new InvalidInput(`\`${uri}\` does not name a Databricks profile`, {
    hint: 'write databricks, or databricks://PROFILE',
  });
}

/**
 * Finds the workspace that `databricks` or `databricks://PROFILE` means, as Databricks' own SDK does, which
 * MLflow asks (`mlflow/utils/databricks_utils.py`): DATABRICKS_* variables first; a profile of
 * DATABRICKS_CONFIG_FILE or `~/.databrickscfg` for what they leave open, if one is named or nothing is set.
 *
 * @throws InvalidInput where a profile, the address, or a login that can be used here is missing.
 */
export async function findDatabricksServer(uri: string, env: Env): Promise<DatabricksServer> {
  checkDatabricksUri(uri);
  const profile = readProfile(uri) ?? (env[variables.databricksProfile] || undefined);
  const ofProfile = profile || !hasSettings(env) ? await readProfileSettings(profile, env) : NONE;
  const read = (key: string): string | undefined =>
    env[`DATABRICKS_${key.toUpperCase()}`] || ofProfile.get(key) || undefined;
  const host = read('host');
  if (host === undefined) throw nothingFound(uri, 'no address of a workspace');
  const [token, user, password] = ['token', 'username', 'password'].map(read);
  const authorization =
    token !== undefined
      ? `Bearer ${token}`
      : user !== undefined && password !== undefined
        ? `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
        : undefined;
  if (authorization === undefined) throw nothingFound(uri, 'neither token nor password');
  const skipsVerification = ['skip_verify', 'insecure'].some((key) => isTrue(ofProfile.get(key)));
  return { url: readHost(host), login: { authorization, skipsVerification } };
}

const NONE: ReadonlyMap<string, string> = new Map();

/** With one of these set, the file is not looked at unless a profile is named. */
function hasSettings(env: Env): boolean {
  return ['HOST', 'TOKEN', 'USERNAME', 'PASSWORD'].some((name) => env[`DATABRICKS_${name}`]);
}

async function readProfileSettings(
  profile: string | undefined,
  env: Env,
): Promise<ReadonlyMap<string, string>> {
  const home = env.HOME || homedir();
  const named = env[variables.databricksConfigFile] || '~/.databrickscfg';
  const path = named.replace(/^~(?=\/)/, home);
  const text = (await readTextIfPresent(path)) ?? '';
  const found = parseIni(text).get(profile ?? 'DEFAULT');
  if (found !== undefined) return found;
  if (profile === undefined) return NONE;
  throw new InvalidInput(`there is no Databricks profile \`${profile}\` in ${path}`, {
    hint: `write it there: [${profile}], with host = https://... and token = ...`,
  });
}

/** `https://` where nothing is said; a path behind the host is dropped, as the SDK does. */
function readHost(host: string): string {
  const url = URL.parse(host.includes('://') ? host : `https://${host}`);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.origin;
  throw new InvalidInput(`the Databricks address \`${host}\` is no https address`, {
    hint: 'write DATABRICKS_HOST=https://WORKSPACE.cloud.databricks.com',
  });
}

function nothingFound(uri: string, what: string): InvalidInput {
  return new InvalidInput(`${what} is known for \`${uri}\``, {
    hint: 'set DATABRICKS_HOST and DATABRICKS_TOKEN, or a profile with host and token in ~/.databrickscfg (mlts knows tokens and passwords, no other logins)',
  });
}

function isTrue(text: string | undefined): boolean {
  return ['true', '1', 'yes'].includes((text ?? '').toLowerCase());
}
