import { AlreadyExists, NotFound } from '../../core/errors.ts';
import type { AuthConnection, AuthTransaction } from '../../sql/auth-database.ts';
import { explained, inTransaction } from '../../sql/connection.ts';
import type { Permission, ResourceType } from './permission.ts';
import type { Grant } from './requirement.ts';
import { WORKSPACE } from './role-store.ts';
import { nameOwnRole } from './user-store.ts';

/** What roles grant to users, and users' own grants, which are those of a role of their own. */
export class GrantStore {
  readonly #connection: AuthConnection;

  constructor(connection: AuthConnection) {
    this.#connection = connection;
  }

  /** Of these types, and for the workspace; `patterns`: those that can matter, absent: all. */
  list(
    userId: number,
    types: readonly ResourceType[],
    patterns?: readonly string[],
  ): Promise<readonly Grant[]> {
    return explained(this.#connection, () => {
      let query = this.#connection.database
        .selectFrom('role_permissions')
        .innerJoin('roles', 'roles.id', 'role_permissions.role_id')
        .innerJoin('user_role_assignments', 'user_role_assignments.role_id', 'roles.id')
        .select(['resource_type as type', 'resource_pattern as pattern', 'permission'])
        .where('user_role_assignments.user_id', '=', userId)
        .where('roles.workspace', '=', WORKSPACE)
        .where('resource_type', 'in', [...new Set([...types, 'workspace'])]);
      if (patterns !== undefined) {
        query = query.where('resource_pattern', 'in', [...new Set([...patterns, '*'])]);
      }
      return query.execute() as Promise<readonly Grant[]>;
    });
  }

  /** The workspaces that a user manages. */
  listManaged(userId: number): Promise<ReadonlySet<string>> {
    return explained(this.#connection, async () => {
      const rows = await this.#connection.database
        .selectFrom('role_permissions')
        .innerJoin('roles', 'roles.id', 'role_permissions.role_id')
        .innerJoin('user_role_assignments', 'user_role_assignments.role_id', 'roles.id')
        .select('roles.workspace')
        .where('user_role_assignments.user_id', '=', userId)
        .where('resource_type', '=', 'workspace')
        .where('resource_pattern', '=', '*')
        .where('permission', '=', 'MANAGE')
        .execute();
      return new Set(rows.map(({ workspace }) => workspace));
    });
  }

  /** The workspaces that a user has any role in. */
  listPresent(userId: number): Promise<ReadonlySet<string>> {
    return explained(this.#connection, async () => {
      const rows = await this.#connection.database
        .selectFrom('roles')
        .innerJoin('user_role_assignments', 'user_role_assignments.role_id', 'roles.id')
        .select('roles.workspace')
        .where('user_role_assignments.user_id', '=', userId)
        .execute();
      return new Set(rows.map(({ workspace }) => workspace));
    });
  }

  /** Gives one user a permission in place of the one it had. */
  set(userId: number, type: ResourceType, pattern: string, permission: Permission): Promise<void> {
    return this.#change(async (transaction) => {
      const role_id = await ensureOwnRole(transaction, userId);
      await transaction
        .insertInto('role_permissions')
        .values({ role_id, resource_type: type, resource_pattern: pattern, permission })
        .onConflict((on) =>
          on.columns(['role_id', 'resource_type', 'resource_pattern']).doUpdateSet({ permission }),
        )
        .execute();
    });
  }

  /** @throws AlreadyExists where there is one. */
  add(userId: number, type: ResourceType, pattern: string, permission: Permission): Promise<void> {
    return this.#change(async (transaction) => {
      const role_id = await ensureOwnRole(transaction, userId);
      const made = await transaction
        .insertInto('role_permissions')
        .values({ role_id, resource_type: type, resource_pattern: pattern, permission })
        .onConflict((on) => on.doNothing())
        .returning('id')
        .executeTakeFirst();
      if (made !== undefined) return;
      throw new AlreadyExists(`the user has a permission for ${type} \`${pattern}\` already`);
    });
  }

  /** @throws NotFound where there is none. */
  remove(userId: number, type: ResourceType, pattern: string): Promise<void> {
    return this.#change(async (transaction) => {
      const gone = await transaction
        .deleteFrom('role_permissions')
        .where('role_id', 'in', ownRoles(transaction).where('name', '=', nameOwnRole(userId)))
        .where('resource_type', '=', type)
        .where('resource_pattern', '=', pattern)
        .returning('id')
        .executeTakeFirst();
      if (gone !== undefined) return;
      throw new NotFound(`the user has no permission of its own for ${type} \`${pattern}\``);
    });
  }

  /** Takes users' own grants to a resource that is gone: another one may get its name. */
  forget(type: ResourceType, pattern: string): Promise<void> {
    return this.#change(async (transaction) => {
      await transaction
        .deleteFrom('role_permissions')
        .where('role_id', 'in', ownRoles(transaction))
        .where('resource_type', '=', type)
        .where('resource_pattern', '=', pattern)
        .execute();
    });
  }

  rename(type: ResourceType, pattern: string, newPattern: string): Promise<void> {
    return this.#change(async (transaction) => {
      await transaction
        .updateTable('role_permissions')
        .set({ resource_pattern: newPattern })
        .where('role_id', 'in', ownRoles(transaction))
        .where('resource_type', '=', type)
        .where('resource_pattern', '=', pattern)
        .execute();
    });
  }

  #change<T>(work: (transaction: AuthTransaction) => Promise<T>): Promise<T> {
    return explained(this.#connection, () => inTransaction(this.#connection.database, work));
  }
}

/** How names of users' own roles begin; no other role can have such a name. */
const OWN_ROLES = '__user_';

function ownRoles(transaction: AuthTransaction) {
  return transaction
    .selectFrom('roles')
    .select('id')
    .where('workspace', '=', WORKSPACE)
    .where((is) =>
      is(is.fn<string>('substr', ['name', is.lit(1), is.lit(OWN_ROLES.length)]), '=', OWN_ROLES),
    );
}

/** Several may make it at once: the first one's is taken. */
async function ensureOwnRole(transaction: AuthTransaction, userId: number): Promise<number> {
  const name = nameOwnRole(userId);
  await transaction
    .insertInto('roles')
    .values({ name, workspace: WORKSPACE, description: null })
    .onConflict((on) => on.doNothing())
    .execute();
  const { id } = await transaction
    .selectFrom('roles')
    .select('id')
    .where('workspace', '=', WORKSPACE)
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  await transaction
    .insertInto('user_role_assignments')
    .values({ user_id: userId, role_id: id })
    .onConflict((on) => on.doNothing())
    .execute();
  return id;
}
