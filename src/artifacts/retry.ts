import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '../core/errors.ts';

/** What is told of a retry, and what ends it. */
export interface Retrying {
  readonly signal: AbortSignal;
  readonly tell: (note: string) => void;
}

export const MOST_RETRIES = 5;
const FIRST_WAIT_MS = 250;
/** Whatever is left of the retries: nothing is tried again after that. */
const DEADLINE_MS = 120_000;

/**
 * Does `work`, again where it throws `Unavailable`, and tells each time why. What is refused or not there
 * is never tried again.
 */
export async function withRetries<T>(
  work: () => Promise<T>,
  { signal, tell }: Retrying,
): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (let retry = 1; ; retry += 1) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const mayRetry = retry <= MOST_RETRIES && Date.now() < deadline;
      if (!(error instanceof Unavailable) || !mayRetry) throw error;
      tell(describeRetry(retry, error.message));
    }
    await waitBeforeRetry(retry, signal);
  }
}

/** `retry 2 of 5: why` */
export function describeRetry(retry: number, why: string): string {
  return `retry ${retry} of ${MOST_RETRIES}: ${why}`;
}

/** Doubles each time, spread so that many files do not come back at once. */
export function waitMsOf(retry: number): number {
  return FIRST_WAIT_MS * 2 ** (retry - 1) * (0.75 + Math.random() / 2);
}

export async function waitBeforeRetry(retry: number, signal: AbortSignal): Promise<void> {
  await sleep(waitMsOf(retry), undefined, { signal }).catch(() => signal.throwIfAborted());
}
