import { resolve } from 'node:path';
import { type Env, variables } from '../../core/environment-variables.ts';
import { InvalidInput } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { parseIniSection } from '../../host/ini-file.ts';
import { readTextFile } from '../../host/text-file.ts';
import { isDefaultPermission, type Permission } from './permission.ts';

/** What `MLFLOW_AUTH_CONFIG_PATH` says (`mlflow/server/auth/config.py`). */
export interface AuthConfig {
  readonly databaseUri: string;
  /** What every user may do with what nobody granted anything for. */
  readonly defaultPermission: Permission;
  readonly adminName: string;
  /** Undefined: made up where there is no admin yet. */
  readonly adminPassword: string | undefined;
  /** What the file says and mlts has no use for. */
  readonly unusedSettings: readonly string[];
}

const MOST_CONFIG_BYTES = 1_000_000;
const BASIC = 'mlflow.server.auth:authenticate_request_basic_auth';
const DEFAULTS = { databaseUri: 'sqlite:///basic_auth.db', permission: 'READ', adminName: 'admin' };

/**
 * Reads the INI file that MLFLOW_AUTH_CONFIG_PATH names; without one all is as MLflow's own says. Variables
 * for the first admin stand above it.
 *
 * @throws NotFound for a file that is not there, InvalidInput for one that says what mlts cannot do.
 */
export async function readAuthConfig(context: Context): Promise<AuthConfig> {
  const { env, cwd } = context;
  const path = env[variables.authConfigPath];
  const settings = path ? await readSettings(resolve(cwd, path)) : new Map<string, string>();
  const method = settings.get('authorization_function') || BASIC;
  if (method !== BASIC) {
    throw new InvalidInput(`${path}: authorization_function \`${method}\` is Python code`, {
      hint: `mlts knows passwords and tokens only: leave it out, or name ${BASIC}`,
    });
  }
  const defaultPermission = settings.get('default_permission') || DEFAULTS.permission;
  if (!isDefaultPermission(defaultPermission)) {
    throw new InvalidInput(`${path}: default_permission \`${defaultPermission}\` is unknown`, {
      hint: 'one of READ, USE, EDIT, MANAGE, NO_PERMISSIONS',
    });
  }
  return {
    databaseUri: settings.get('database_uri') || DEFAULTS.databaseUri,
    defaultPermission,
    adminName:
      choose(env, variables.authAdminUsername, settings.get('admin_username')) ||
      DEFAULTS.adminName,
    adminPassword:
      choose(env, variables.authAdminPassword, settings.get('admin_password')) || undefined,
    unusedSettings: [...settings].filter(isUnused).map(([key]) => key),
  };
}

const USED: ReadonlySet<string> = new Set([
  'database_uri',
  'default_permission',
  'admin_username',
  'admin_password',
  'authorization_function',
]);

/** MLflow's own file says that the users of its one workspace get nothing by that. */
function isUnused([key, value]: readonly [string, string]): boolean {
  return !USED.has(key) && !(key === 'grant_default_workspace_access' && /^false$/i.test(value));
}

function choose(env: Env, name: string, stored: string | undefined): string | undefined {
  return env[name] ?? stored;
}

async function readSettings(path: string): Promise<ReadonlyMap<string, string>> {
  return parseIniSection(await readTextFile(path, MOST_CONFIG_BYTES), 'mlflow');
}
