import { setTimeout as sleep } from 'node:timers/promises';
import { MltsError } from '../../core/errors.ts';

/** Wrong passwords for one name that are forgiven before the answers get slow. */
const FREE_FAILURES = 5;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 8_000;
/** After so long without a wrong one all is forgotten. */
const MEMORY_MS = 15 * 60_000;
const MOST_NAMES = 10_000;
/** Each takes 32 MB and a core for a while. */
const MOST_AT_ONCE = 4;
const MOST_WAITING = 100;

interface Failures {
  readonly count: number;
  readonly lastMs: number;
  /** For this name one after the other. */
  readonly isBusy: boolean;
}

/** Too many passwords are being tried: 429. */
export class TooManyLogins extends MltsError {
  override readonly name = 'TooManyLogins';

  constructor() {
    super('TEMPORARILY_UNAVAILABLE', 'too many logins at once: try again later');
  }
}

/** Slows down who tries passwords, and keeps the computing of hashes from taking the machine. */
export class LoginThrottle {
  readonly #failures = new Map<string, Failures>();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  /**
   * Runs `verify` when it is its turn, later the more of them failed for this name.
   *
   * @throws TooManyLogins where too many wait already.
   */
  async attempt(name: string, nowMs: number, verify: () => Promise<boolean>): Promise<boolean> {
    const before = this.#find(name, nowMs);
    const isSlow = before.count >= FREE_FAILURES;
    if (isSlow && before.isBusy) throw new TooManyLogins();
    this.#remember(name, { ...before, isBusy: isSlow });
    try {
      if (isSlow) await sleep(delayAfter(before.count));
      const isRight = await this.#inTurn(verify);
      if (isRight) this.#failures.delete(name);
      else this.#remember(name, { ...this.#find(name, nowMs), lastMs: nowMs }, 1);
      return isRight;
    } finally {
      const now = this.#failures.get(name);
      if (now !== undefined && isSlow) this.#failures.set(name, { ...now, isBusy: false });
    }
  }

  #find(name: string, nowMs: number): Failures {
    const found = this.#failures.get(name);
    const isFresh = found !== undefined && (found.isBusy || nowMs - found.lastMs < MEMORY_MS);
    return isFresh ? found : { count: 0, lastMs: nowMs, isBusy: false };
  }

  #remember(name: string, failures: Failures, more = 0): void {
    if (failures.count + more === 0) return;
    this.#failures.delete(name);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= MOST_NAMES && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.set(name, { ...failures, count: failures.count + more });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= MOST_AT_ONCE) {
      if (this.#queue.length >= MOST_WAITING) throw new TooManyLogins();
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

function delayAfter(failures: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** (failures - FREE_FAILURES), LONGEST_DELAY_MS);
}
