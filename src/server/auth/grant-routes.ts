import { InvalidInput } from '../../core/errors.ts';
import type { Endpoint } from '../endpoint.ts';
import { Access } from './access.ts';
import {
  type AuthEndpoint,
  authEndpoint,
  type Params,
  requireParam,
  requireText,
} from './auth-endpoint.ts';
import type { AuthStores } from './auth-stores.ts';
import {
  allows,
  canBeNamed,
  checkPattern,
  type Permission,
  type ResourceType,
  readPermission,
  readResourceType,
} from './permission.ts';

/** MLflow's API for what one user may do: its own grants, and what comes of all of them. */
export function listGrantEndpoints(
  { users, grants }: AuthStores,
  defaultPermission: Permission,
): readonly Endpoint[] {
  return [
    at('grantUserPermission', 'POST', 'grant', async (params) => {
      const { type, id } = readResource(params);
      const permission = readPermission(requireParam(params, 'permission'), type);
      checkPattern(id, type);
      await grants.add((await users.get(requireText(params, 'username'))).id, type, id, permission);
      return {};
    }),
    at('revokeUserPermission', 'POST', 'revoke', async (params) => {
      const { type, id } = readResource(params);
      await grants.remove((await users.get(requireText(params, 'username'))).id, type, id);
      return {};
    }),
    at('getUserPermission', 'GET', 'get', async (params) => {
      const user = await users.get(requireText(params, 'username'));
      const { type, id } = readResource(params);
      checkAskable(type, id);
      const permission = await new Access(user, grants, defaultPermission).permissionFor(type, id);
      return { allowed: allows(permission, 'use'), permission };
    }),
  ];
}

function at(
  rpc: string,
  method: AuthEndpoint['method'],
  verb: string,
  handle: AuthEndpoint['handle'],
): Endpoint {
  return authEndpoint({
    rpc,
    method,
    path: `/mlflow/users/permissions/${verb}`,
    version: '3.0',
    handle,
  });
}

/** @throws InvalidInput for what is no resource, and for the workspace, which only roles can be for. */
export function readResource(params: Params): { type: ResourceType; id: string } {
  const type = readResourceType(requireParam(params, 'resource_type'));
  const id = requireText(params, 'resource_id');
  if (type !== 'workspace') return { type, id };
  throw new InvalidInput('the workspace is granted by roles only');
}

/** @throws InvalidInput for one resource of a type that MLflow answers for as a whole only. */
export function checkAskable(type: ResourceType, id: string): void {
  if (id === '*') return;
  if (!canBeNamed(type) || type === 'prompt') {
    throw new InvalidInput(`a ${type} has no permissions of its own to ask for: ask for \`*\``);
  }
  if (type === 'scorer' && !id.includes('/')) {
    throw new InvalidInput(`\`${id}\` names no scorer: EXPERIMENT_ID/NAME does`);
  }
}
