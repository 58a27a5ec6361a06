import { createHash, randomBytes } from 'node:crypto';
import { AlreadyExists, NotFound } from '../../core/errors.ts';
import type { AuthConnection } from '../../sql/auth-database.ts';
import { explained } from '../../sql/connection.ts';
import type { User } from './user-store.ts';

export interface TokenInfo {
  readonly user: string;
  readonly name: string;
  readonly createdMs: number;
  /** Undefined: never. */
  readonly expiresMs: number | undefined;
}

/** Says what it is where it is found: secret scanners know such beginnings. */
const PREFIX = 'mlts_';
const RANDOM_BYTES = 32;

/** Bearer tokens, which MLflow does not have: a table of our own beside its users, with hashes only. */
export class TokenStore {
  readonly #connection: AuthConnection;

  constructor(connection: AuthConnection) {
    this.#connection = connection;
  }

  /** Returns the token, which cannot be found out again. @throws AlreadyExists for a name in use. */
  create(userId: number, { name, createdMs, expiresMs }: Omit<TokenInfo, 'user'>): Promise<string> {
    const token = `${PREFIX}${randomBytes(RANDOM_BYTES).toString('base64url')}`;
    const { database, isUniqueViolation } = this.#connection;
    const row = {
      user_id: userId,
      name,
      token_hash: hashToken(token),
      created_ms: createdMs,
      expires_ms: expiresMs ?? null,
    };
    return explained(this.#connection, async () => {
      try {
        await database.insertInto('mlts_tokens').values(row).execute();
        return token;
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        const hint = 'choose another --name, or revoke it first';
        throw new AlreadyExists(`the user has a token \`${name}\` already`, { hint });
      }
    });
  }

  /** Looked up by its hash, so how long it takes tells nothing of what is stored. */
  findUser(token: string, nowMs: number): Promise<User | undefined> {
    return explained(this.#connection, async () => {
      const row = await this.#connection.database
        .selectFrom('mlts_tokens')
        .innerJoin('users', 'users.id', 'mlts_tokens.user_id')
        .select(['users.id', 'users.username', 'users.is_admin', 'mlts_tokens.expires_ms'])
        .where('mlts_tokens.token_hash', '=', hashToken(token))
        .executeTakeFirst();
      if (row === undefined || (row.expires_ms !== null && row.expires_ms <= nowMs)) {
        return undefined;
      }
      return { id: row.id, name: row.username, isAdmin: Boolean(row.is_admin) };
    });
  }

  list(): Promise<readonly TokenInfo[]> {
    return explained(this.#connection, async () => {
      const rows = await this.#connection.database
        .selectFrom('mlts_tokens')
        .innerJoin('users', 'users.id', 'mlts_tokens.user_id')
        .select(['users.username', 'mlts_tokens.name', 'created_ms', 'expires_ms'])
        .orderBy('users.id')
        .orderBy('mlts_tokens.id')
        .execute();
      return rows.map((row) => ({
        user: row.username,
        name: row.name,
        createdMs: row.created_ms,
        expiresMs: row.expires_ms ?? undefined,
      }));
    });
  }

  /** @throws NotFound */
  async delete(user: User, name: string): Promise<void> {
    const gone = await explained(this.#connection, () =>
      this.#connection.database
        .deleteFrom('mlts_tokens')
        .where('user_id', '=', user.id)
        .where('name', '=', name)
        .returning('id')
        .executeTakeFirst(),
    );
    if (gone !== undefined) return;
    throw new NotFound(`the user \`${user.name}\` has no token \`${name}\``);
  }
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
