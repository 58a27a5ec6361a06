import { InvalidInput } from '../../core/errors.ts';
import type { Endpoint, Wire } from '../endpoint.ts';
import {
  type AuthEndpoint,
  authEndpoint,
  type Params,
  requireId,
  requireParam,
  requireText,
} from './auth-endpoint.ts';
import type { AuthStores } from './auth-stores.ts';
import type { NewPermission } from './role-store.ts';

type Handle = AuthEndpoint['handle'];

/** MLflow's API for roles, what they grant and who has them. */
export function listRoleEndpoints(stores: AuthStores): readonly Endpoint[] {
  return [...listRoles(stores), ...listRolePermissions(stores), ...listAssignments(stores)];
}

function at(rpc: string, method: AuthEndpoint['method'], path: string, handle: Handle): Endpoint {
  return authEndpoint({ rpc, method, path: `/mlflow/roles/${path}`, version: '3.0', handle });
}

function listRoles({ roles }: AuthStores): readonly Endpoint[] {
  return [
    at('createRole', 'POST', 'create', async (params) => {
      const name = requireFilled(params, 'name');
      const workspace = requireFilled(params, 'workspace');
      const description = optionalText(params, 'description') ?? null;
      return { role: await roles.create(name, workspace, description) };
    }),
    at('getRole', 'GET', 'get', async (params) => ({
      role: await roles.get(requireId(params, 'role_id')),
    })),
    at('listRoles', 'GET', 'list', async (_params, _caller, { query }) => {
      const workspaces = new URLSearchParams(query).getAll('workspace');
      if (workspaces.some((name) => name.trim() === '')) {
        throw new InvalidInput('`workspace` is empty');
      }
      return { roles: await roles.list(workspaces.length === 0 ? undefined : workspaces) };
    }),
    at('updateRole', 'PATCH', 'update', async (params) => {
      const id = requireId(params, 'role_id');
      const name = params.name == null ? undefined : requireFilled(params, 'name');
      const description = optionalText(params, 'description');
      if (name === undefined && description === undefined) {
        throw new InvalidInput('neither `name` nor `description` is given');
      }
      return { role: await roles.update(id, name, description) };
    }),
    at('deleteRole', 'DELETE', 'delete', async (params) => {
      await roles.delete(requireId(params, 'role_id'));
      return {};
    }),
  ];
}

function listRolePermissions({ roles }: AuthStores): readonly Endpoint[] {
  return [
    at('addRolePermission', 'POST', 'permissions/add', async (params) => {
      const id = requireId(params, 'role_id');
      return { role_permission: { ...(await roles.addPermission(id, readGrant(params))) } };
    }),
    at('removeRolePermission', 'DELETE', 'permissions/remove', async (params) => {
      await roles.removePermission(requireId(params, 'role_permission_id'));
      return {};
    }),
    at('listRolePermissions', 'GET', 'permissions/list', async (params) => ({
      role_permissions: (await roles.get(requireId(params, 'role_id'))).permissions,
    })),
    at('updateRolePermission', 'PATCH', 'permissions/update', async (params) => {
      const id = requireId(params, 'role_permission_id');
      const permission = requireParam(params, 'permission');
      return { role_permission: { ...(await roles.updatePermission(id, permission)) } };
    }),
  ];
}

function readGrant(params: Params): NewPermission {
  return {
    type: requireParam(params, 'resource_type'),
    pattern: requireText(params, 'resource_pattern'),
    permission: requireParam(params, 'permission'),
  };
}

function listAssignments({ roles, users }: AuthStores): readonly Endpoint[] {
  const read = async (params: Params) => {
    const name = requireText(params, 'username');
    const roleId = requireId(params, 'role_id');
    return [(await users.get(name)).id, roleId] as const;
  };
  return [
    at('assignRole', 'POST', 'assign', async (params): Promise<Wire> => {
      return { assignment: await roles.assign(...(await read(params))) };
    }),
    at('unassignRole', 'DELETE', 'unassign', async (params): Promise<Wire> => {
      await roles.unassign(...(await read(params)));
      return {};
    }),
    at('listRoleUsers', 'GET', 'users/list', async (params) => ({
      assignments: await roles.listAssignments(requireId(params, 'role_id')),
    })),
  ];
}

function requireFilled(params: Params, name: string): string {
  const text = requireText(params, name);
  if (text.trim() !== '') return text;
  throw new InvalidInput(`\`${name}\` is empty`);
}

function optionalText(params: Params, name: string): string | undefined {
  return params[name] == null ? undefined : requireText(params, name);
}
