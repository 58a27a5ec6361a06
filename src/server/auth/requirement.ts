import {
  type Action,
  allows,
  canBeNamed,
  higherOf,
  type Permission,
  type ResourceType,
} from './permission.ts';

export interface Grant {
  readonly type: string;
  /** `*`, or the id or name of one resource. */
  readonly pattern: string;
  readonly permission: Permission;
}

export interface Resource {
  readonly type: ResourceType;
  readonly id: string;
}

/**
 * One thing that an operation needs. `otherwise` is asked where there is no grant at all for the resource's own
 * type: what belongs to an experiment is allowed as the experiment is (`mlflow/server/auth/requirements.py`).
 */
export interface Requirement extends Resource {
  readonly action: Action;
  readonly otherwise?: Resource;
}

export function need(
  type: ResourceType,
  id: string,
  action: Action,
  otherwise?: Resource,
): Requirement {
  return { type, id, action, ...(otherwise === undefined ? {} : { otherwise }) };
}

/** Who manages the workspace may do everything; no DENY takes it away. */
export function managesWorkspace(grants: readonly Grant[]): boolean {
  return grants.some(
    ({ type, pattern, permission }) =>
      type === 'workspace' && pattern === '*' && permission === 'MANAGE',
  );
}

/** Whether these grants meet all of them; `absent` is what everybody may who was granted nothing. */
export function meets(
  requirements: readonly Requirement[],
  grants: readonly Grant[],
  absent: Permission,
): boolean {
  if (managesWorkspace(grants)) return true;
  return requirements.every((requirement) =>
    allows(findPermission(requirement, grants, absent), requirement.action),
  );
}

/** The permission that decides: the nearest grant's, never less than `absent` unless it denies. */
export function findPermission(
  { type, id, otherwise }: Omit<Requirement, 'action'>,
  grants: readonly Grant[],
  absent: Permission,
): Permission {
  if (managesWorkspace(grants)) return 'MANAGE';
  const own = foldGrants(grants, { type, id });
  const decisive = own ?? (otherwise && foldGrants(grants, otherwise)) ?? absent;
  if (decisive === 'DENY' || decisive === 'NO_PERMISSIONS') return decisive;
  return higherOf(decisive, absent);
}

/** Several roles may speak of one resource: a DENY wins, else the most. */
function foldGrants(grants: readonly Grant[], { type, id }: Resource): Permission | undefined {
  let best: Permission | undefined;
  for (const grant of grants) {
    if (grant.type !== type) continue;
    if (grant.pattern !== '*' && !(canBeNamed(type) && grant.pattern === id)) continue;
    if (grant.permission === 'DENY') return 'DENY';
    best = best === undefined ? grant.permission : higherOf(best, grant.permission);
  }
  return best;
}
