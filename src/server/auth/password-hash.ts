import { pbkdf2, randomInt, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const deriveByPbkdf2 = promisify(pbkdf2);

interface Cost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** What Werkzeug writes (`werkzeug.security.generate_password_hash`): `scrypt:n:r:p$salt$hex`. */
const COST: Cost = { n: 2 ** 15, r: 8, p: 1 };
const SCRYPT_BYTES = 64;
const SALT_LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const SALT_LENGTH = 16;
/** Of old versions of Werkzeug, which did not write it. */
const PBKDF2_ROUNDS = 1_000_000;
const DIGEST_BYTES: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 };

/** A database that somebody else has written to must not make us compute for hours. */
const MOST_MEMORY = 512 * 1024 * 1024;
const MOST_ROUNDS = 10_000_000;

/** Hashes a password as MLflow would, so that either server knows it. */
export async function hashPassword(password: string): Promise<string> {
  const salt = Array.from({ length: SALT_LENGTH }, () => SALT_LETTERS[randomInt(62)]).join('');
  const hash = await deriveByScrypt(password, salt, COST);
  return `scrypt:${COST.n}:${COST.r}:${COST.p}$${salt}$${hash.toString('hex')}`;
}

/** False also for a hash of a kind that MLflow does not write. Compares in constant time. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, method = '', salt = '', hex = ''] =
    /^([\w:]+)\$([^$]+)\$([0-9a-f]+)$/.exec(stored) ?? [];
  const found = await derive(method, password, salt);
  const wanted = Buffer.from(hex, 'hex');
  return found !== undefined && found.length === wanted.length && timingSafeEqual(found, wanted);
}

async function derive(method: string, password: string, salt: string): Promise<Buffer | undefined> {
  const [kind, ...settings] = method.split(':');
  if (kind === 'scrypt') {
    const [n = COST.n, r = COST.r, p = COST.p] = settings.map(Number);
    return isBearable({ n, r, p }) ? deriveByScrypt(password, salt, { n, r, p }) : undefined;
  }
  if (kind !== 'pbkdf2') return undefined;
  const [digest = 'sha256', rounds = PBKDF2_ROUNDS] = settings;
  const bytes = DIGEST_BYTES[digest];
  const count = Number(rounds);
  if (bytes === undefined || !(count >= 1 && count <= MOST_ROUNDS)) return undefined;
  return deriveByPbkdf2(password, salt, count, bytes, digest);
}

function isBearable({ n, r, p }: Cost): boolean {
  const isPower = Number.isInteger(Math.log2(n)) && n > 1;
  return isPower && r >= 1 && p >= 1 && 132 * n * r * p <= MOST_MEMORY;
}

function deriveByScrypt(password: string, salt: string, { n, r, p }: Cost): Promise<Buffer> {
  const options = { N: n, r, p, maxmem: 132 * n * r * p + 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, SCRYPT_BYTES, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
