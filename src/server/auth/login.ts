import { createHmac, randomBytes } from 'node:crypto';
import type { HttpAnswer, HttpHandler, HttpRequest } from '../../http/server.ts';
import { answerError } from '../error-answer.ts';
import { LoginThrottle, TooManyLogins } from './login-throttle.ts';
import { verifyPassword } from './password-hash.ts';
import type { TokenStore } from './token-store.ts';
import type { StoredUser, User, UserStore } from './user-store.ts';

export interface LoginOptions {
  readonly users: UserStore;
  readonly tokens: TokenStore;
  readonly prefix: string;
  now(): number;
}

/** A right password is not computed again for so long, as long as it stays the user's. */
const REMEMBERED_MS = 5 * 60_000;
const MOST_REMEMBERED = 10_000;
const RETRY_SECONDS = '5';

/** What older MLflow versions gave their first admin: everybody knows it (GHSA-gq3w-7jj3-x7gr). */
export const KNOWN_ADMIN_PASSWORD = 'password1234';

/** No password of anybody: an unknown name takes as long as a wrong password. */
const NOBODY = `scrypt:32768:8:1$${'0'.repeat(16)}$${'0'.repeat(128)}`;

const OPEN = /^\/(health|version|favicon\.ico|(ajax-)?api\/\d+\.\d+\/mlflow\/server-info)$/;

interface Remembered {
  readonly passwordHash: string;
  readonly untilMs: number;
}

/**
 * Asks for a user's password or token before anything else is looked at, and says in `HttpRequest.caller` who it
 * is (`mlflow/server/auth/__init__.py`, `_before_request`).
 */
export class Login {
  readonly #options: LoginOptions;
  readonly #throttle = new LoginThrottle();
  readonly #remembered = new Map<string, Remembered>();
  /** Credentials are not kept in memory, only what nobody can compute without this. */
  readonly #key = randomBytes(32);

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  require(handler: HttpHandler): HttpHandler {
    return async (request) => {
      if (this.#isOpen(request.path)) return handler(request);
      try {
        const caller = await this.#identify(request);
        return caller === undefined ? REFUSED : await handler({ ...request, caller });
      } catch (error) {
        const answer = answerError(error);
        if (!(error instanceof TooManyLogins)) return answer;
        return { ...answer, status: 429, headers: { 'retry-after': RETRY_SECONDS } };
      }
    };
  }

  /** Whether this is the user's password; counts as an attempt. */
  isPassword(user: StoredUser, password: string): Promise<boolean> {
    return this.#throttle.attempt(user.name, this.#options.now(), () =>
      verifyPassword(password, user.passwordHash),
    );
  }

  #isOpen(path: string): boolean {
    const { prefix } = this.#options;
    return path.startsWith(prefix) && OPEN.test(path.slice(prefix.length));
  }

  async #identify({ headers }: HttpRequest): Promise<User | undefined> {
    const [, scheme = '', value = ''] = /^(\w+) +(.+)$/.exec(headers.authorization ?? '') ?? [];
    if (scheme.toLowerCase() === 'bearer') {
      return this.#options.tokens.findUser(value.trim(), this.#options.now());
    }
    if (scheme.toLowerCase() !== 'basic') return undefined;
    const credentials = readCredentials(value);
    return credentials && this.#checkPassword(...credentials);
  }

  async #checkPassword(name: string, password: string): Promise<User | undefined> {
    const nowMs = this.#options.now();
    const key = createHmac('sha256', this.#key).update(`${name}\0${password}`).digest('base64');
    const user = await this.#options.users.find(name);
    if (user !== undefined && this.#isRemembered(key, user, nowMs)) return user;
    const stored = user?.passwordHash ?? NOBODY;
    const isRight = await this.#throttle.attempt(name, nowMs, () =>
      verifyPassword(password, stored),
    );
    if (!isRight || user === undefined) return undefined;
    if (user.isAdmin && password === KNOWN_ADMIN_PASSWORD) return undefined;
    this.#remember(key, { passwordHash: stored, untilMs: nowMs + REMEMBERED_MS });
    return user;
  }

  /** Not where the password was changed since, by whomever. */
  #isRemembered(key: string, { passwordHash }: StoredUser, nowMs: number): boolean {
    const found = this.#remembered.get(key);
    if (found === undefined) return false;
    if (found.passwordHash === passwordHash && nowMs < found.untilMs) return true;
    this.#remembered.delete(key);
    return false;
  }

  #remember(key: string, entry: Remembered): void {
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, entry);
  }
}

/** MLflow's body and challenge, so that browsers ask for a password. */
const REFUSED: HttpAnswer = {
  status: 401,
  type: 'text/html; charset=utf-8',
  headers: { 'www-authenticate': 'Basic realm="mlflow"' },
  body: 'You are not authenticated. Please see https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow on how to authenticate.',
};

/** `base64(name:password)`; undefined for what is none. A name cannot hold a colon, a password can. */
function readCredentials(base64: string): readonly [string, string] | undefined {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  const colonAt = text.indexOf(':');
  return colonAt === -1 ? [text, ''] : [text.slice(0, colonAt), text.slice(colonAt + 1)];
}
