import { expect, test } from 'vitest';
import { suggestName } from '../../src/core/suggestion.ts';

test.each([
  ['mian', ['main', 'evaluate'], 'main'],
  ['evaluat', ['main', 'evaluate'], 'evaluate'],
  ['MAIN', ['main'], 'main'],
  ['params', ['parameters', 'command'], 'parameters'],
  ['train', ['main', 'evaluate'], undefined],
  ['x', ['y'], undefined],
  ['x', [], undefined],
  ['main', ['main'], undefined],
])('%s among %j is meant as %s', (name, candidates, expected) => {
  expect(suggestName(name, candidates)).toBe(expected);
});
