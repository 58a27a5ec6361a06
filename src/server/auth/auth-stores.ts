import type { Context } from '../../host/context.ts';
import { openAuthDatabase } from '../../sql/auth-database.ts';
import { GrantStore } from './grant-store.ts';
import { RoleStore } from './role-store.ts';
import { TokenStore } from './token-store.ts';
import { UserStore } from './user-store.ts';

/** All that MLflow's auth database holds, and the tokens beside it. */
export interface AuthStores {
  readonly users: UserStore;
  readonly roles: RoleStore;
  readonly grants: GrantStore;
  readonly tokens: TokenStore;
  close(): Promise<void>;
}

/** @throws MltsError as `openAuthDatabase` */
export async function openAuthStores(uri: string, context: Context): Promise<AuthStores> {
  const connection = await openAuthDatabase(uri, context);
  return {
    users: new UserStore(connection),
    roles: new RoleStore(connection),
    grants: new GrantStore(connection),
    tokens: new TokenStore(connection),
    close: () => connection.database.destroy(),
  };
}
