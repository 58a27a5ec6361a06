import { AlreadyExists, InvalidInput, NotFound } from '../../core/errors.ts';
import type { AuthConnection, AuthQueries } from '../../sql/auth-database.ts';
import { explained, inTransaction } from '../../sql/connection.ts';
import { checkPattern, readPermission, readResourceType } from './permission.ts';

/** The one workspace that mlts has; roles of MLflow's other ones are kept and shown, no more. */
export const WORKSPACE = 'default';

export interface RolePermission {
  readonly id: number;
  readonly role_id: number;
  readonly resource_type: string;
  readonly resource_pattern: string;
  readonly permission: string;
}

/** As MLflow's API sends it. */
export interface Role {
  readonly id: number;
  readonly name: string;
  readonly workspace: string;
  readonly description: string | null;
  readonly permissions: readonly RolePermission[];
}

export interface NewPermission {
  readonly type: unknown;
  readonly pattern: string;
  readonly permission: unknown;
}

const OWN_ROLE_PREFIX = '__user_';

/** Roles, what they grant, and who has them (`mlflow/server/auth/sqlalchemy_store.py`). */
export class RoleStore {
  readonly #connection: AuthConnection;

  constructor(connection: AuthConnection) {
    this.#connection = connection;
  }

  /** @throws AlreadyExists; InvalidInput for a name that is kept for users' own roles. */
  create(name: string, workspace: string, description: string | null): Promise<Role> {
    refuseOwnName(name);
    const role = { name, workspace, description };
    return this.#work(async (database) => {
      const { id } = await this.#unique(`there is a role \`${name}\` already`, () =>
        database.insertInto('roles').values(role).returning('id').executeTakeFirstOrThrow(),
      );
      return { id, ...role, permissions: [] };
    });
  }

  /** @throws NotFound */
  async get(id: number): Promise<Role> {
    const [role] = await this.#read((query) => query.where('roles.id', '=', id));
    if (role !== undefined) return role;
    throw new NotFound(`there is no role ${id}`);
  }

  /** Those of these workspaces; undefined: all. */
  list(workspaces: readonly string[] | undefined): Promise<readonly Role[]> {
    return this.#read((query) =>
      workspaces === undefined ? query : query.where('workspace', 'in', workspaces),
    );
  }

  listOfUser(userId: number): Promise<readonly Role[]> {
    return this.#read((query) =>
      query.where((is) =>
        is(
          'roles.id',
          'in',
          is.selectFrom('user_role_assignments').select('role_id').where('user_id', '=', userId),
        ),
      ),
    );
  }

  /** @throws NotFound, AlreadyExists */
  async update(id: number, name: string | undefined, description?: string): Promise<Role> {
    if (name !== undefined) refuseOwnName(name);
    await this.get(id);
    const change = {
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
    };
    await this.#work((database) =>
      this.#unique(`there is a role \`${name}\` already`, () =>
        database.updateTable('roles').set(change).where('id', '=', id).execute(),
      ),
    );
    return this.get(id);
  }

  /** @throws NotFound */
  async delete(id: number): Promise<void> {
    await this.get(id);
    await this.#work((database) =>
      inTransaction(database, async (transaction) => {
        await transaction.deleteFrom('role_permissions').where('role_id', '=', id).execute();
        await transaction.deleteFrom('user_role_assignments').where('role_id', '=', id).execute();
        await transaction.deleteFrom('roles').where('id', '=', id).execute();
      }),
    );
  }

  /** @throws NotFound, AlreadyExists, InvalidInput */
  async addPermission(roleId: number, grant: NewPermission): Promise<RolePermission> {
    const type = readResourceType(grant.type);
    const permission = readPermission(grant.permission, type);
    checkPattern(grant.pattern, type);
    await this.get(roleId);
    const row = {
      role_id: roleId,
      resource_type: type,
      resource_pattern: grant.pattern,
      permission,
    };
    return this.#work(async (database) => {
      const message = `role ${roleId} has a permission for ${type} \`${grant.pattern}\` already`;
      const { id } = await this.#unique(message, () =>
        database
          .insertInto('role_permissions')
          .values(row)
          .returning('id')
          .executeTakeFirstOrThrow(),
      );
      return { id, ...row };
    });
  }

  /** @throws NotFound */
  getPermission(id: number): Promise<RolePermission> {
    return this.#work(async (database) => {
      const found = await database
        .selectFrom('role_permissions')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      if (found !== undefined) return found;
      throw new NotFound(`there is no permission ${id} of a role`);
    });
  }

  /** @throws NotFound, InvalidInput */
  async updatePermission(id: number, permission: unknown): Promise<RolePermission> {
    const found = await this.getPermission(id);
    const level = readPermission(permission, readResourceType(found.resource_type));
    await this.#work((database) =>
      database
        .updateTable('role_permissions')
        .set({ permission: level })
        .where('id', '=', id)
        .execute(),
    );
    return { ...found, permission: level };
  }

  /** @throws NotFound */
  async removePermission(id: number): Promise<void> {
    await this.getPermission(id);
    await this.#work((database) =>
      database.deleteFrom('role_permissions').where('id', '=', id).execute(),
    );
  }

  /** @throws NotFound, AlreadyExists */
  async assign(userId: number, roleId: number) {
    await this.get(roleId);
    const row = { user_id: userId, role_id: roleId };
    return this.#work(async (database) => {
      const { id } = await this.#unique(`the user has role ${roleId} already`, () =>
        database
          .insertInto('user_role_assignments')
          .values(row)
          .returning('id')
          .executeTakeFirstOrThrow(),
      );
      return { id, ...row };
    });
  }

  /** @throws NotFound */
  async unassign(userId: number, roleId: number): Promise<void> {
    const gone = await this.#work((database) =>
      database
        .deleteFrom('user_role_assignments')
        .where('user_id', '=', userId)
        .where('role_id', '=', roleId)
        .returning('id')
        .executeTakeFirst(),
    );
    if (gone === undefined) throw new NotFound(`the user does not have role ${roleId}`);
  }

  /** @throws NotFound */
  async listAssignments(roleId: number) {
    await this.get(roleId);
    return this.#work((database) =>
      database
        .selectFrom('user_role_assignments')
        .selectAll()
        .where('role_id', '=', roleId)
        .orderBy('id')
        .execute(),
    );
  }

  #read(narrow: (query: RoleQuery) => RoleQuery): Promise<readonly Role[]> {
    return this.#work(async (database) => {
      const roles = await narrow(selectRoles(database)).execute();
      const permissions = await readPermissions(
        database,
        roles.map(({ id }) => id),
      );
      return roles.map((role) => ({
        ...role,
        permissions: permissions.filter(({ role_id: id }) => id === role.id),
      }));
    });
  }

  #work<T>(work: (database: AuthQueries) => Promise<T>): Promise<T> {
    return explained(this.#connection, () => work(this.#connection.database));
  }

  async #unique<T>(message: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!this.#connection.isUniqueViolation(error)) throw error;
      throw new AlreadyExists(message);
    }
  }
}

function selectRoles(database: AuthQueries) {
  return database.selectFrom('roles').selectAll().orderBy('roles.id');
}
type RoleQuery = ReturnType<typeof selectRoles>;

async function readPermissions(
  database: AuthQueries,
  roleIds: readonly number[],
): Promise<readonly RolePermission[]> {
  if (roleIds.length === 0) return [];
  return database
    .selectFrom('role_permissions')
    .selectAll()
    .where('role_id', 'in', roleIds)
    .orderBy('id')
    .execute();
}

function refuseOwnName(name: string): void {
  if (!name.startsWith(OWN_ROLE_PREFIX)) return;
  throw new InvalidInput(`\`${name}\`: names of roles that begin with ${OWN_ROLE_PREFIX} are kept`);
}
