import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEnvironment } from '../../src/environments/open.ts';
import { createTestContext } from '../setup/context.ts';
import { createWorkspace, runIn, type Workspace } from '../setup/environments.ts';

let workspace: Workspace;
beforeAll(async () => {
  workspace = await createWorkspace();
  await workspace.addProgram('conda', 'echo \'{"envs": []}\'');
});
afterAll(() => workspace[Symbol.asyncDispose]());

test.each([
  [undefined, 'python_env', 'virtualenv'],
  [undefined, 'conda_env', 'conda'],
  ['uv', 'conda_env', 'uv'],
  ['local', 'conda_env', 'local'],
] as const)('manager %s for a project with %s: %s', async (manager, kind, expected) => {
  const context = createTestContext({ env: workspace.env });
  const source = await workspace.source(kind, 'dependencies: []');
  expect((await openEnvironment(manager, source, context).inspect()).manager).toBe(expected);
});

test('local: the command runs in the surroundings as they are, with no tag', async () => {
  const context = createTestContext({ env: workspace.env });
  const source = { directory: workspace.directory, kind: 'none', file: undefined } as const;
  const environment = openEnvironment('local', source, context);
  const prepared = await environment.prepare(context.interrupts.signal);
  expect(prepared.tags).toEqual([]);
  expect(await runIn(prepared, 'pwd; false; echo "$PATH"', workspace)).toBe(
    `${workspace.directory}\n${workspace.env.PATH}`,
  );
});
