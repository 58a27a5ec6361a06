import type { UserDelegationKey } from '@azure/storage-blob';
import { PART_EXPIRY_SECONDS } from './direct.ts';

/** Azure's clock and ours may differ by so much. */
export const SKEW_MS = 15 * 60 * 1_000;
/** Azure gives no key that is good past this. */
const LONGEST_MS = 7 * 24 * 3_600_000 - SKEW_MS;
/** A key outlives the addresses that it was fetched for, so that it serves those that follow. */
const SPARE_MS = 3_600_000;

interface KeptKey {
  readonly endsAt: number;
  readonly key: Promise<UserDelegationKey>;
}

/** The key with which a login signs: fetched when it is needed, kept for as long as it will do, one for all who ask. */
export class DelegationKeys {
  readonly #fetch: (startsOn: Date, endsOn: Date) => Promise<UserDelegationKey>;
  readonly #now: () => number;
  #kept: KeptKey | undefined;

  constructor(
    fetch: (startsOn: Date, endsOn: Date) => Promise<UserDelegationKey>,
    now: () => number,
  ) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /** A key that is good for so long; for longer than some days Azure gives none, and it may end before. */
  get(lifetimeMs: number): Promise<UserDelegationKey> {
    const now = this.#now();
    const kept = this.#kept;
    if (kept && kept.endsAt >= now + Math.min(lifetimeMs, LONGEST_MS - SPARE_MS)) return kept.key;
    const usualMs = Math.max(lifetimeMs, PART_EXPIRY_SECONDS * 1_000);
    const endsAt = now + Math.min(usualMs + SPARE_MS, LONGEST_MS);
    const key = this.#fetch(new Date(now - SKEW_MS), new Date(endsAt));
    const fetched = { endsAt, key };
    this.#kept = fetched;
    key.catch(() => {
      if (this.#kept === fetched) this.#kept = undefined;
    });
    return key;
  }
}
