import { randomBytes } from 'node:crypto';
import { variables } from '../../core/environment-variables.ts';
import { AlreadyExists, InvalidInput } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import type { HttpHandler } from '../../http/server.ts';
import type { Guard } from '../app.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Services } from '../services.ts';
import { type AuthStores, openAuthStores } from './auth-stores.ts';
import { type AuthConfig, readAuthConfig } from './config.ts';
import { listGrantEndpoints } from './grant-routes.ts';
import { createGuard } from './guard.ts';
import { KNOWN_ADMIN_PASSWORD, Login } from './login.ts';
import { verifyPassword } from './password-hash.ts';
import { listRoleEndpoints } from './role-routes.ts';
import { listUserEndpoints } from './user-routes.ts';
import { listUserRules } from './user-rules.ts';

/** What stands between everybody and the API. */
export interface Auth {
  readonly endpoints: readonly Endpoint[];
  readonly guard: Guard;
  /** Asks for a login before `handler`. */
  requireLogin(handler: HttpHandler): HttpHandler;
  close(): Promise<void>;
}

/**
 * Opens MLflow's `basic-auth`: its users, its rules, its API for both. Where there is no admin yet one is made, and
 * a password that nobody named is shown, this once.
 *
 * @throws what `readAuthConfig` and `openAuthStores` throw; InvalidInput for a password that cannot be.
 */
export async function openAuth(
  services: Services,
  prefix: string,
  context: Context,
): Promise<Auth> {
  const config = await readAuthConfig(context);
  warnOfUnused(config, context);
  const stores = await openAuthStores(config.databaseUri, context);
  try {
    await ensureAdmin(stores, config, context);
  } catch (error) {
    await stores.close();
    throw error;
  }
  const { users, tokens, grants } = stores;
  const { defaultPermission } = config;
  const login = new Login({ users, tokens, prefix, now: () => context.now() });
  return {
    endpoints: [
      ...listUserEndpoints(stores, login),
      ...listRoleEndpoints(stores),
      ...listGrantEndpoints(stores, defaultPermission),
    ],
    guard: createGuard({
      services,
      grants,
      defaultPermission,
      userRules: listUserRules(stores, services),
    }),
    requireLogin: (handler) => login.require(handler),
    close: () => stores.close(),
  };
}

const GENERATED_BYTES = 18;

/** MLflow will not start without a password for its first admin; it takes none that everybody knows. */
async function ensureAdmin(
  { users }: AuthStores,
  { adminName, adminPassword }: AuthConfig,
  { terminal }: Context,
): Promise<void> {
  const admin = await users.find(adminName);
  if (admin !== undefined && !(await verifyPassword(KNOWN_ADMIN_PASSWORD, admin.passwordHash))) {
    return;
  }
  const isNamed = adminPassword !== undefined && adminPassword !== KNOWN_ADMIN_PASSWORD;
  if (admin !== undefined) {
    if (isNamed) await users.change(adminName, { password: adminPassword });
    else warnOfKnown(adminName, terminal);
    return;
  }
  if (adminPassword === KNOWN_ADMIN_PASSWORD) {
    throw new InvalidInput(`everybody knows this password of the admin \`${adminName}\``, {
      hint: `set ${variables.authAdminPassword} or admin_password to another one, or to none`,
    });
  }
  const password = adminPassword ?? randomBytes(GENERATED_BYTES).toString('base64url');
  try {
    await users.create(adminName, password, true);
  } catch (error) {
    // Another server on the same database was faster.
    if (error instanceof AlreadyExists) return;
    throw error;
  }
  if (adminPassword !== undefined) return;
  terminal.note(`made the first admin: user ${adminName}, password ${password}`);
  terminal.note('it is not shown again; change it by: mlts users password NAME');
}

/** Workspaces, a database to read from, and caches of MLflow's worker processes. */
function warnOfUnused({ unusedSettings }: AuthConfig, { env, terminal }: Context): void {
  if (unusedSettings.length === 0) return;
  const names = unusedSettings.join(', ');
  terminal.warn(`${env[variables.authConfigPath]}: mlts does not use ${names}`);
}

function warnOfKnown(name: string, { warn }: Context['terminal']): void {
  warn(
    `the admin \`${name}\` has the password that old MLflow versions came with: it is not let in`,
    `set ${variables.authAdminPassword} to a new one and start again`,
  );
}
