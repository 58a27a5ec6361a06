import { expect, test } from 'vitest';
import { resolveLocation } from '../../src/core/artifact-location.ts';

test.each([
  ['runs', '/home/ann/runs'],
  ['../a b', '/home/a b'],
  ['/abs', '/abs'],
  ['file:runs', 'file:///home/ann/runs'],
  ['file:a%20b?x=1', 'file:///home/ann/a%20b?x=1'],
  ['file:runs?x=1#y', 'file:///home/ann/runs?x=1#y'],
  ['file:///abs?x=1', 'file:///abs?x=1'],
  ['s3://bucket/a?x=1', 's3://bucket/a?x=1'],
])('the location `%s` is %s', (location, absolute) => {
  expect(resolveLocation(location, '/home/ann')).toBe(absolute);
});
