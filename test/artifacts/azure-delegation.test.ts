import type { UserDelegationKey } from '@azure/storage-blob';
import { expect, test } from 'vitest';
import { DelegationKeys } from '../../src/artifacts/azure-delegation.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Keys of which each says when it was asked for, at a clock that the test sets. */
function createKeys() {
  const clock = { now: 100 * DAY };
  const asked: { readonly start: number; readonly end: number }[] = [];
  const keys = new DelegationKeys(
    async (startsOn, endsOn) => {
      const { now } = clock;
      asked.push({ start: Number(startsOn) - now, end: Number(endsOn) - now });
      return { value: String(asked.length) } as UserDelegationKey;
    },
    () => clock.now,
  );
  return { keys, clock, asked };
}

test('a key is asked for an hour more than is needed, from some minutes ago, and kept until it is too short', async () => {
  const { keys, clock, asked } = createKeys();
  const first = await keys.get(HOUR);
  clock.now += HOUR;
  expect(await keys.get(HOUR)).toBe(first);
  clock.now += 1;
  expect(await keys.get(HOUR - 1)).toBe(first);
  expect(await keys.get(HOUR)).not.toBe(first);
  expect(asked).toEqual([
    { start: -15 * MINUTE, end: 2 * HOUR },
    { start: -15 * MINUTE, end: 2 * HOUR },
  ]);
});

test('what is needed for a short time only gets the usual key', async () => {
  const { keys, asked } = createKeys();
  const first = await keys.get(5 * MINUTE);
  expect(await keys.get(2 * HOUR)).toBe(first);
  expect(asked).toEqual([{ start: -15 * MINUTE, end: 2 * HOUR }]);
});

test('no key is asked for past what Azure gives, and that one serves for an hour', async () => {
  const { keys, clock, asked } = createKeys();
  const first = await keys.get(7 * DAY);
  clock.now += HOUR;
  expect(await keys.get(7 * DAY)).toBe(first);
  clock.now += 1;
  expect(await keys.get(7 * DAY)).not.toBe(first);
  expect(asked[0]).toEqual({ start: -15 * MINUTE, end: 7 * DAY - 15 * MINUTE });
});
