import { AlreadyExists, InvalidInput, NotFound } from '../../core/errors.ts';
import type { AuthConnection, AuthTransaction } from '../../sql/auth-database.ts';
import { explained, inTransaction } from '../../sql/connection.ts';
import { hashPassword } from './password-hash.ts';

export interface User {
  readonly id: number;
  readonly name: string;
  readonly isAdmin: boolean;
}

export interface StoredUser extends User {
  readonly passwordHash: string;
}

export interface UserChange {
  readonly password?: string;
  readonly isAdmin?: boolean;
}

const SHORTEST_PASSWORD = 12;
const LONGEST_PASSWORD = 1_024;
const LONGEST_NAME = 255;

/** What MLflow's tables of older versions hold for a user; it goes with the user. */
const OLD_TABLES = [
  'experiment_permissions',
  'registered_model_permissions',
  'scorer_permissions',
  'gateway_secret_permissions',
  'gateway_endpoint_permissions',
  'gateway_model_definition_permissions',
  'workspace_permissions',
] as const;

/** The users of MLflow's auth database (`mlflow/server/auth/sqlalchemy_store.py`). */
export class UserStore {
  readonly #connection: AuthConnection;

  constructor(connection: AuthConnection) {
    this.#connection = connection;
  }

  /** @throws AlreadyExists for a name in use, InvalidInput for a name or password that cannot be. */
  async create(name: string, password: string, isAdmin = false): Promise<User> {
    checkUserName(name);
    checkPassword(password);
    const passwordHash = await hashPassword(password);
    const { database, toFlag, isUniqueViolation } = this.#connection;
    return explained(this.#connection, async () => {
      const row = { username: name, password_hash: passwordHash, is_admin: toFlag(isAdmin) };
      try {
        const { id } = await database
          .insertInto('users')
          .values(row)
          .returning('id')
          .executeTakeFirstOrThrow();
        return { id, name, isAdmin };
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        throw new AlreadyExists(`there is a user \`${name}\` already`);
      }
    });
  }

  find(name: string): Promise<StoredUser | undefined> {
    if (name.includes('\0')) return Promise.resolve(undefined);
    return explained(this.#connection, async () => {
      const row = await this.#connection.database
        .selectFrom('users')
        .selectAll()
        .where('username', '=', name)
        .executeTakeFirst();
      return row && toUser(row);
    });
  }

  /** @throws NotFound */
  async get(name: string): Promise<StoredUser> {
    const found = await this.find(name);
    if (found !== undefined) return found;
    throw new NotFound(`there is no user \`${name}\``);
  }

  list(): Promise<readonly User[]> {
    return explained(this.#connection, async () => {
      const rows = await this.#connection.database
        .selectFrom('users')
        .selectAll()
        .orderBy('id')
        .execute();
      return rows.map(toUser).map(({ id, name, isAdmin }) => ({ id, name, isAdmin }));
    });
  }

  /** @throws NotFound; InvalidInput for a password that cannot be. */
  async change(name: string, { password, isAdmin }: UserChange): Promise<void> {
    const { id } = await this.get(name);
    if (password !== undefined) checkPassword(password);
    const { database, toFlag } = this.#connection;
    const change = {
      ...(password === undefined ? {} : { password_hash: await hashPassword(password) }),
      ...(isAdmin === undefined ? {} : { is_admin: toFlag(isAdmin) }),
    };
    await explained(this.#connection, () =>
      database.updateTable('users').set(change).where('id', '=', id).execute(),
    );
  }

  /** With its own grants, roles and tokens. @throws NotFound */
  async delete(name: string): Promise<void> {
    const { id } = await this.get(name);
    await explained(this.#connection, () =>
      inTransaction(this.#connection.database, (transaction) => deleteUser(transaction, id)),
    );
  }
}

interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly password_hash: string | null;
  readonly is_admin: unknown;
}

function toUser({ id, username, password_hash, is_admin }: UserRow): StoredUser {
  const passwordHash = password_hash ?? '';
  return { id, name: username, isAdmin: Boolean(is_admin), passwordHash };
}

async function deleteUser(transaction: AuthTransaction, id: number): Promise<void> {
  const own = transaction.selectFrom('roles').select('id').where('name', '=', nameOwnRole(id));
  await transaction.deleteFrom('role_permissions').where('role_id', 'in', own).execute();
  await transaction.deleteFrom('user_role_assignments').where('role_id', 'in', own).execute();
  await transaction.deleteFrom('user_role_assignments').where('user_id', '=', id).execute();
  await transaction.deleteFrom('roles').where('name', '=', nameOwnRole(id)).execute();
  for (const table of OLD_TABLES) {
    await transaction.deleteFrom(table).where('user_id', '=', id).execute();
  }
  await transaction.deleteFrom('mlts_tokens').where('user_id', '=', id).execute();
  await transaction.deleteFrom('users').where('id', '=', id).execute();
}

/** Grants to one user are kept in a role that is the user's own, in each workspace. */
export function nameOwnRole(userId: number): string {
  return `__user_${userId}__`;
}

/** @throws InvalidInput */
export function checkUserName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '') throw new InvalidInput('the user has no name');
  if (name.length > LONGEST_NAME || name.includes('\0') || !name.isWellFormed()) {
    throw new InvalidInput(
      `a user's name has at most ${LONGEST_NAME} characters, none of them NUL`,
    );
  }
}

/** @throws InvalidInput */
export function checkPassword(password: unknown): asserts password is string {
  const length = typeof password === 'string' ? [...password].length : 0;
  if (length < SHORTEST_PASSWORD) {
    throw new InvalidInput(`a password has at least ${SHORTEST_PASSWORD} characters`);
  }
  if (length > LONGEST_PASSWORD) {
    throw new InvalidInput(`a password has at most ${LONGEST_PASSWORD} characters`);
  }
}
