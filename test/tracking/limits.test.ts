import { expect, test } from 'vitest';
import { checkRunData, paramConflict } from '../../src/tracking/limits.ts';

const RULE = { truncate: true, warn: () => {} };

test.each([
  ['alpha', 'param `alpha` is given twice: `one` and `two`'],
  ['api_key', 'param `api_key` is given twice: `****` and `****`'],
])('the param %s with two values is refused, secrets are not shown', (key, message) => {
  const params = ['one', 'two'].map((value) => ({ key, value }));
  expect(() => checkRunData({ params }, RULE)).toThrow(message);
});

test.each([
  ['alpha', 'param `alpha` of run r is `one` and cannot become `two`'],
  ['api_key', 'param `api_key` of run r is `****` and cannot become `****`'],
])('the param %s that would change is named, secrets are not shown', (key, message) => {
  expect(paramConflict('r', key, 'one', 'two').message).toBe(message);
});
