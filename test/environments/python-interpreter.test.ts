import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  findCurrentPython,
  matchesVersion,
  obtainInterpreter,
} from '../../src/environments/python-interpreter.ts';
import { createStepRunner } from '../../src/environments/tool-step.ts';
import { findExecutable } from '../../src/host/executables.ts';
import { createWorkspace, type Workspace } from '../setup/environments.ts';

test.each([
  ['3.9.18', '3.9', true],
  ['3.9.18', '3.9.18', true],
  ['3.9.18', '3', true],
  ['3.9.18', '3.9.1', false],
  ['3.90.1', '3.9', false],
  ['3.9.18', '3.10', false],
])('%s is a %s: %s', (version, asked, expected) => {
  expect(matchesVersion(version, asked)).toBe(expected);
});

let workspace: Workspace;
let pyenvRoot: string;
beforeEach(async () => {
  workspace = await createWorkspace();
  pyenvRoot = join(workspace.root, 'pyenv');
});
afterEach(() => workspace[Symbol.asyncDispose]());

/** Only what the test puts into `bin`, and the base system's tools. */
async function obtain(asked: string): Promise<string> {
  const env = { HOME: workspace.root, PYENV_ROOT: pyenvRoot, PATH: `${workspace.bin}:/nowhere` };
  const { signal } = new AbortController();
  const run = createStepRunner({ cwd: workspace.directory, env, signal, update: () => {} });
  const uv = await findExecutable('uv', env);
  return obtainInterpreter({ asked, askedBy: 'python_env.yaml', env, uv, signal, run });
}

async function addPyenvVersion(version: string): Promise<string> {
  const folder = join(pyenvRoot, 'versions', version, 'bin');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'python'), '');
  await chmod(join(folder, 'python'), 0o755);
  return join(folder, 'python');
}

/** Answers the question for its path and version as Python would. */
function addPython(name: string, version: string): Promise<void> {
  return workspace.addProgram(name, `echo "/real/${name}"; echo ${version}`);
}

test('pyenv: the newest that begins as asked, or exactly the one', async () => {
  for (const version of ['3.9.2', '3.10.1', '3.90.0', 'mambaforge', '3.9.18/envs/mine']) {
    await addPyenvVersion(version);
  }
  const newest = await addPyenvVersion('3.9.18');
  expect(await obtain('3.9')).toBe(newest);
  expect(await obtain('3.9.2')).toBe(join(pyenvRoot, 'versions/3.9.2/bin/python'));
});

test('PATH: the program of the minor version, then python3, each asked for its version', async () => {
  await addPython('python3', '3.11.7');
  await addPython('python3.9', '3.9.4');
  expect(await obtain('3.9')).toBe('/real/python3.9');
  expect(await obtain('3.11')).toBe('/real/python3');
});

test('a shim that does not work is passed over', async () => {
  await workspace.addProgram(
    'python3.9',
    'echo "pyenv: python3.9: command not found" >&2; exit 127',
  );
  await addPython('python3', '3.9.1');
  expect(await obtain('3.9')).toBe('/real/python3');
});

test('the real uv finds the Python that is here', async () => {
  const { version } = await findCurrentPython(workspace.env);
  await workspace.addUv();
  const uv = join(workspace.bin, 'uv');
  const { signal } = new AbortController();
  const env = { ...workspace.env, PYENV_ROOT: '/nowhere' };
  const run = createStepRunner({ cwd: workspace.directory, env, signal, update: () => {} });
  const path = await obtainInterpreter({ asked: version, askedBy: '', env, uv, signal, run });
  expect((await findCurrentPython({ PATH: join(path, '..') })).version).toBe(version);
});

test('what is not here: uv is asked to download it, then pyenv to build it', async () => {
  await workspace.addProgram('uv', 'echo "error: no download found" >&2; exit 2');
  const made = join(pyenvRoot, 'versions/3.8.20/bin');
  await workspace.addProgram(
    'pyenv',
    `case "$*" in
"install --list") printf '  3.8.3\\n  3.8.20\\n  3.8-dev\\n  3.9.1\\n';;
"install --skip-existing 3.8.20") /bin/mkdir -p '${made}'; printf '' > '${made}/python'; /bin/chmod +x '${made}/python';;
*) exit 1;;
esac`,
  );
  expect(await obtain('3.8')).toBe(`${made}/python`);
});

test('what cannot be had: the message says what was looked for, where, and what is there', async () => {
  await workspace.addUv();
  await addPyenvVersion('3.9.2');
  await addPython('python3', '3.11.7');
  const obtaining = obtain('3.9.99');
  await expect(obtaining).rejects.toMatchObject({
    name: 'InvalidInput',
    message: expect.stringMatching(
      /^Python 3\.9\.99 was not found \(python_env\.yaml asks for it\); looked in .*pyenv\/versions \(3\.9\.2\), what uv knows, PATH \(python3 is 3\.11\.7\)\nuv could not provide it\. Downloading Python 3\.9\.99 failed/,
    ),
    hint: 'Python 3.9.2 is here: ask for `3.9` to take any 3.9',
  });
});

test('words that only uv understands are refused without it', async () => {
  await expect(obtain('pypy')).rejects.toThrow(
    '`python: pypy` in python_env.yaml is no Python version',
  );
});

test('no Python at all', async () => {
  await expect(findCurrentPython({ PATH: workspace.bin })).rejects.toMatchObject({
    message: 'no working `python3` or `python` was found on PATH',
    hint: expect.stringContaining('install'),
  });
});
