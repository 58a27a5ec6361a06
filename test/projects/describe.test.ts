import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeSource, validateProject } from '../../src/projects/describe.ts';
import { createTestContext } from '../setup/context.ts';
import { createGitWorld, type GitWorld } from '../setup/git.ts';

let world: GitWorld;
beforeAll(async () => {
  world = await createGitWorld();
  await world.commit('p', { MLproject: 'name: p\nentry_points:\n  main:\n    command: "true"\n' });
  await world.git('p', 'config', 'core.fsmonitor', `touch ${join(world.root, 'started')}; false`);
});
afterAll(() => world.remove());

test('looking at a project starts nothing, not even what its git settings name', async () => {
  const context = createTestContext({ cwd: world.root, env: world.env });
  expect(await validateProject('p', 'text', context)).toContain('Project p');
  expect(await describeSource({ uri: 'p', version: undefined }, context)).toContain('-e main');
  expect(existsSync(join(world.root, 'started'))).toBe(false);
});
