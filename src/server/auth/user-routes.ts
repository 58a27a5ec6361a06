import { InvalidInput, MltsError } from '../../core/errors.ts';
import type { Caller, HttpAnswer } from '../../http/server.ts';
import type { Endpoint } from '../endpoint.ts';
import { authEndpoint, isJson, type Params, requireParam, requireText } from './auth-endpoint.ts';
import type { AuthStores } from './auth-stores.ts';
import type { Login } from './login.ts';
import type { Role } from './role-store.ts';
import { checkPassword, checkUserName, type User } from './user-store.ts';

/** MLflow's API for users (`mlflow/server/auth/__init__.py`, from `create_user`). */
export function listUserEndpoints(stores: AuthStores, login: Login): readonly Endpoint[] {
  return [...listReading(stores), ...listChanging(stores, login)];
}

const writeUser = ({ id, name, isAdmin }: User) => ({ id, username: name, is_admin: isAdmin });

function plain(status: number, body: string): HttpAnswer {
  return { status, type: 'text/html; charset=utf-8', body };
}

function listReading({ users, roles, grants }: AuthStores): readonly Endpoint[] {
  /** Managers of a workspace see what is in it, admins and the users themselves all. */
  const filterRoles = async (caller: Caller, name: string, found: readonly Role[]) => {
    if (caller.isAdmin || caller.name === name) return found;
    const managed = await grants.listManaged(caller.id);
    return found.filter(({ workspace }) => managed.has(workspace));
  };
  const listPermissions = async (caller: Caller, name: string) => {
    const user = await users.get(name);
    const found = await filterRoles(caller, name, await roles.listOfUser(user.id));
    return { is_admin: user.isAdmin, permissions: found.flatMap(writePermissions) };
  };
  return [
    authEndpoint({
      rpc: 'getUser',
      method: 'GET',
      path: '/mlflow/users/get',
      handle: async (params) => ({
        user: writeUser(await users.get(requireText(params, 'username'))),
      }),
    }),
    authEndpoint({
      rpc: 'getCurrentUser',
      method: 'GET',
      path: '/mlflow/users/current',
      handle: async (_params, caller) => ({ user: writeUser(caller), is_basic_auth: true }),
    }),
    authEndpoint({
      rpc: 'listUsers',
      method: 'GET',
      path: '/mlflow/users/list',
      handle: async (_params, caller) => {
        const found = [];
        for (const user of await users.list()) {
          const own = await filterRoles(caller, user.name, await roles.listOfUser(user.id));
          found.push({ ...writeUser(user), roles: own });
        }
        return { users: found };
      },
    }),
    authEndpoint({
      rpc: 'listCurrentUserPermissions',
      method: 'GET',
      path: '/mlflow/users/current/permissions',
      version: '3.0',
      handle: (_params, caller) => listPermissions(caller, caller.name),
    }),
    authEndpoint({
      rpc: 'listUserPermissions',
      method: 'GET',
      path: '/mlflow/users/permissions/list',
      version: '3.0',
      handle: (params, caller) => listPermissions(caller, requireText(params, 'username')),
    }),
    authEndpoint({
      rpc: 'listUserRoles',
      method: 'GET',
      path: '/mlflow/users/roles/list',
      version: '3.0',
      handle: async (params, caller) => {
        const { id, name } = await users.get(requireText(params, 'username'));
        return { roles: await filterRoles(caller, name, await roles.listOfUser(id)) };
      },
    }),
  ];
}

function writePermissions({ id, name, workspace, permissions }: Role) {
  return permissions.map(({ resource_type, resource_pattern, permission }) => ({
    role_id: id,
    role_name: name,
    workspace,
    resource_type,
    resource_pattern,
    permission,
  }));
}

function listChanging({ users }: AuthStores, login: Login): readonly Endpoint[] {
  return [
    authEndpoint({
      rpc: 'createUser',
      method: 'POST',
      path: '/mlflow/users/create',
      handle: async (params, _caller, request) => {
        if (!isJson(request)) {
          return plain(400, 'Invalid content type. Must be application/json');
        }
        const [name, password] = ['username', 'password'].map((key) => requireParam(params, key));
        if (!name || !password) return plain(400, 'Username and password cannot be empty.');
        checkUserName(name);
        checkPassword(password);
        return { user: writeUser(await users.create(name, password)) };
      },
    }),
    authEndpoint({
      rpc: 'updateUserPassword',
      method: 'PATCH',
      path: '/mlflow/users/update-password',
      handle: async (params, caller) => {
        const name = requireText(params, 'username');
        const password = requireParam(params, 'password');
        checkPassword(password);
        if (name === caller.name) await checkOwnPassword(params, await users.get(name), login);
        await users.change(name, { password });
        return {};
      },
    }),
    authEndpoint({
      rpc: 'updateUserAdmin',
      method: 'PATCH',
      path: '/mlflow/users/update-admin',
      handle: async (params) => {
        const isAdmin = requireParam(params, 'is_admin');
        if (typeof isAdmin !== 'boolean') throw new InvalidInput('`is_admin` is true or false');
        await users.change(requireText(params, 'username'), { isAdmin });
        return {};
      },
    }),
    authEndpoint({
      rpc: 'deleteUser',
      method: 'DELETE',
      path: '/mlflow/users/delete',
      handle: async (params, caller) => {
        const name = requireText(params, 'username');
        if (name === caller.name) {
          throw new MltsError('BAD_REQUEST', 'nobody deletes himself: another admin can');
        }
        await users.delete(name);
        return {};
      },
    }),
  ];
}

/** Who sits down at somebody's open browser cannot take the account. */
async function checkOwnPassword(
  params: Params,
  user: Parameters<Login['isPassword']>[0],
  login: Login,
): Promise<void> {
  const { current_password: current, password } = params;
  if (typeof current !== 'string' || current === '') {
    throw new InvalidInput('`current_password` is needed to change your own password');
  }
  if (!(await login.isPassword(user, current))) {
    throw new InvalidInput('`current_password` is not your password');
  }
  if (current === password) throw new InvalidInput('the new password is the old one');
}
