import { InvalidInput, NotFound } from '../../core/errors.ts';
import type { Caller } from '../../http/server.ts';
import type { Services } from '../services.ts';
import { type Params, requireId, requireText } from './auth-endpoint.ts';
import type { AuthStores } from './auth-stores.ts';
import { checkAskable, readResource } from './grant-routes.ts';
import { allows, type ResourceType } from './permission.ts';
import { WORKSPACE } from './role-store.ts';
import type { Rule, Rules } from './rule.ts';

/** Who may see and change users, roles and grants; admins may all, and are not asked. */
export function listUserRules(stores: AuthStores, services: Services): Rules {
  return { ...listOwnRules(stores), ...listRoleRules(stores), ...listGrantRules(stores, services) };
}

const isSelf: Rule = ({ message }, { caller }) => requireText(message, 'username') === caller.name;

function listOwnRules({ grants }: AuthStores): Rules {
  return {
    getUser: isSelf,
    updateUserPassword: isSelf,
    updateUserAdmin: () => false,
    deleteUser: () => false,
    getCurrentUser: () => true,
    listCurrentUserPermissions: () => true,
    listUsers: () => true,
    createUser: async (_call, { caller }) => (await grants.listManaged(caller.id)).size > 0,
  };
}

function listRoleRules(stores: AuthStores): Rules {
  const { users, grants } = stores;
  const managesIt: Rule = async ({ message }, { caller }) => {
    const workspace = await findWorkspace(message, stores);
    return workspace !== undefined && (await grants.listManaged(caller.id)).has(workspace);
  };
  const isIn: Rule = async ({ message }, { caller }) => {
    const workspace = await findWorkspace(message, stores);
    return workspace !== undefined && (await grants.listPresent(caller.id)).has(workspace);
  };
  /** Oneself, and users of a workspace that one manages. */
  const maySee: Rule = async ({ message }, { caller }) => {
    const name = requireText(message, 'username');
    if (name === caller.name) return true;
    const user = await users.find(name);
    if (user === undefined) return false;
    const [managed, present] = [
      await grants.listManaged(caller.id),
      await grants.listPresent(user.id),
    ];
    return [...managed].some((workspace) => present.has(workspace));
  };
  return {
    createRole: managesIt,
    updateRole: managesIt,
    deleteRole: managesIt,
    addRolePermission: managesIt,
    removeRolePermission: managesIt,
    updateRolePermission: managesIt,
    assignRole: managesIt,
    unassignRole: managesIt,
    listRoleUsers: managesIt,
    getRole: isIn,
    listRolePermissions: isIn,
    listRoles: ({ request }, { caller }) => mayListRoles(request.query, caller, stores),
    listUserRoles: maySee,
    listUserPermissions: maySee,
  };
}

async function mayListRoles(query: string, caller: Caller, stores: AuthStores): Promise<boolean> {
  const asked = new URLSearchParams(query).getAll('workspace').map((name) => name.trim());
  const workspaces = new Set(asked.filter((name) => name !== ''));
  if (workspaces.size === 0) return false;
  const present = await stores.grants.listPresent(caller.id);
  return [...workspaces].every((workspace) => present.has(workspace));
}

/** The workspace that a role is in; undefined where there is no such role: nobody can try out ids. */
async function findWorkspace(params: Params, { roles }: AuthStores): Promise<string | undefined> {
  try {
    if ('role_id' in params) return (await roles.get(requireId(params, 'role_id'))).workspace;
    if ('role_permission_id' in params) {
      const { role_id: id } = await roles.getPermission(requireId(params, 'role_permission_id'));
      return (await roles.get(id)).workspace;
    }
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
  const workspace = requireText(params, 'workspace');
  if (workspace.trim() !== '') return workspace;
  throw new InvalidInput('`workspace` is empty');
}

function listGrantRules({ users, grants }: AuthStores, services: Services): Rules {
  /** Who manages a resource may share it; all of a kind only who manages the workspace. */
  const mayShare: Rule = async ({ message }, access) => {
    const { type, id } = readResource(message);
    if (id === '*') return (await grants.listManaged(access.caller.id)).has(WORKSPACE);
    checkAskable(type, id);
    return allows(await access.permissionFor(type, id), 'manage');
  };
  return {
    grantUserPermission: mayShare,
    revokeUserPermission: mayShare,
    getUserPermission: async ({ message }, { caller }) => {
      const { type, id } = readResource(message);
      const name = requireText(message, 'username');
      if (name === caller.name) return true;
      if ((await users.find(name)) === undefined) return false;
      if (!(await isThere(type, id, services))) return false;
      return (await grants.listManaged(caller.id)).has(WORKSPACE);
    },
  };
}

async function isThere(
  type: ResourceType,
  id: string,
  { tracking, registry }: Services,
): Promise<boolean> {
  if (id === '*') return true;
  try {
    if (type === 'experiment') await tracking.getExperiment(id);
    else if (type === 'scorer') await tracking.getExperiment(id.split('/', 1)[0] ?? '');
    else if (type === 'registered_model') await registry.getModel(id);
    else return false;
    return true;
  } catch (error) {
    if (error instanceof NotFound || error instanceof InvalidInput) return false;
    throw error;
  }
}
