import type { Caller } from '../../http/server.ts';
import type { GrantStore } from './grant-store.ts';
import { allows, type Permission, type ResourceType } from './permission.ts';
import { findPermission, type Grant, meets, need, type Requirement } from './requirement.ts';

/** Says of one resource after the other whether it may be read. */
export type Reader = (id: string) => boolean;

/** What one caller may do: each question is one query. */
export class Access {
  readonly caller: Caller;
  readonly #grants: GrantStore;
  /** What everybody may do who was granted nothing. */
  readonly #absent: Permission;

  constructor(caller: Caller, grants: GrantStore, absent: Permission) {
    this.caller = caller;
    this.#grants = grants;
    this.#absent = absent;
  }

  async may(...requirements: readonly Requirement[]): Promise<boolean> {
    const resources = requirements.flatMap(({ otherwise, ...own }) =>
      otherwise === undefined ? [own] : [own, otherwise],
    );
    const types = resources.map(({ type }) => type);
    const grants = await this.#list(
      types,
      resources.map(({ id }) => id),
    );
    return meets(requirements, grants, this.#absent);
  }

  /** What `get_user_permission` tells of a resource. */
  async permissionFor(type: ResourceType, id: string): Promise<Permission> {
    return findPermission({ type, id }, await this.#list([type], [id]), this.#absent);
  }

  /** For lists; nothing of them may be read where `part` is taken away. Who may join the workspace may look. */
  async reader(type: ResourceType, part?: ResourceType): Promise<Reader> {
    const grants = await this.#list(part === undefined ? [type] : [type, part]);
    const canSee =
      part === undefined || meets([need(part, '*', 'notDenied')], grants, this.#absent);
    if (!canSee) return () => false;
    const otherwise = { type: 'workspace', id: '*' } as const;
    return (id) => allows(findPermission({ type, id, otherwise }, grants, this.#absent), 'read');
  }

  /** Those of these types that are taken away from the caller, all of them. */
  async listDenied(types: readonly ResourceType[]): Promise<ReadonlySet<ResourceType>> {
    const grants = await this.#list(types, []);
    return new Set(
      types.filter((type) => !meets([need(type, '*', 'notDenied')], grants, this.#absent)),
    );
  }

  #list(types: readonly ResourceType[], patterns?: readonly string[]): Promise<readonly Grant[]> {
    return this.#grants.list(this.caller.id, types, patterns);
  }
}
