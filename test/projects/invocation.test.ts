import { expect, test } from 'vitest';
import { type Invocation, renderInvocation } from '../../src/projects/invocation.ts';

const HERE: Invocation = { uri: '.', version: undefined, environmentManager: undefined };

test.each([
  [HERE, 'main', [], 'mlts run .'],
  [{ ...HERE, uri: 'my folder' }, 'main', ['-P a=1'], "mlts run 'my folder' -P a=1"],
  [{ ...HERE, version: 'v1' }, 'evaluate', [], 'mlts run . -v v1 -e evaluate'],
  [{ ...HERE, environmentManager: 'local' }, 'main', [], 'mlts run . --env-manager local'],
  [{ ...HERE, uri: '-dash' }, 'main', ['-P a=1'], 'mlts run ./-dash -P a=1'],
] as const)('%o %s %o is shown as it works', (invocation, entryPoint, words, shown) => {
  expect(renderInvocation(invocation, entryPoint, words)).toBe(shown);
});
