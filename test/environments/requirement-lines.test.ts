import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quoteForShell } from '../../src/core/shell-word.ts';
import { anchorReferences, flattenRequirements } from '../../src/environments/requirement-lines.ts';
import { createWorkspace, type Workspace } from '../setup/environments.ts';

describe('requirements files', () => {
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await createWorkspace();
  });
  afterAll(() => workspace[Symbol.asyncDispose]());

  test('that are missing are refused, with the line and the path', async () => {
    await workspace.write('outer.txt', 'six\n-r inner/none.txt\n');
    const flattening = flattenRequirements(['-r outer.txt'], workspace.directory);
    const outer = join(workspace.directory, 'outer.txt');
    const inner = join(workspace.directory, 'inner/none.txt');
    await expect(flattening).rejects.toThrow(
      `\`-r inner/none.txt\` in ${outer}: there is no file ${inner}`,
    );
  });

  test('that are pipes are not waited for', async () => {
    await promisify(execFile)('mkfifo', [join(workspace.directory, 'pipe.txt')]);
    const flattening = flattenRequirements(['-r pipe.txt'], workspace.directory);
    await expect(flattening).rejects.toThrow('pipe.txt is not a regular file');
  });

  test('that name each other in a circle are refused', async () => {
    await workspace.write('a.txt', '-r b.txt\n');
    await workspace.write('b.txt', '-c a.txt\n');
    const flattening = flattenRequirements(['-r a.txt'], workspace.directory);
    await expect(flattening).rejects.toThrow(/`-c a\.txt` in .*b\.txt reads itself again/);
  });
});

test('a line of any length is read', async () => {
  const long = `a${' '.repeat(300_000)}b`;
  expect(await flattenRequirements([`\u3000 ${long} \x1c`], '/')).toEqual([
    { text: long, isConstraint: false },
  ]);
});

test.each([
  ['-r requirements.txt', '-r /project/requirements.txt'],
  ['-rrequirements.txt', '-r /project/requirements.txt'],
  ['--requirement=../all.txt', '--requirement /all.txt'],
  ['-c  constraints.txt', '-c /project/constraints.txt'],
  ['-r /elsewhere/requirements.txt', '-r /elsewhere/requirements.txt'],
  ["-r sub folder/it's.txt", `-r '/project/sub folder/it'"'"'s.txt'`],
  ['-c https://example.org/constraints.txt', '-c https://example.org/constraints.txt'],
  ['--find-links ./wheels', '--find-links ./wheels'],
  ['-e .', '-e .'],
  ['ray[default]', 'ray[default]'],
])('%s is written as %s', (line, expected) => {
  expect(anchorReferences([line], '/project', quoteForShell)).toEqual([expected]);
});
