import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EnvironmentSource } from '../../src/environments/environment.ts';
import { openEnvironment } from '../../src/environments/open.ts';
import { findCurrentPython, type Interpreter } from '../../src/environments/python-interpreter.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';
import { createWorkspace, runIn, type Workspace } from '../setup/environments.ts';
import { askPython, ensureMlflow } from '../setup/mlflow.ts';

let workspace: Workspace;
let context: TestContext;
let python: Interpreter;

beforeEach(async () => {
  workspace = await createWorkspace();
  context = createTestContext({ env: workspace.env, cwd: workspace.directory });
  python = await findCurrentPython(workspace.env);
});
afterEach(() => workspace[Symbol.asyncDispose]());

function pythonEnv(...dependencies: readonly string[]): Promise<EnvironmentSource> {
  const lines = dependencies.map((line) => `  - ${JSON.stringify(line)}`);
  const text = [`python: "${python.version}"`, 'dependencies:', ...lines].join('\n');
  return workspace.source('python_env', text);
}

function prepare(source: EnvironmentSource, manager: 'virtualenv' | 'uv' = 'virtualenv') {
  return openEnvironment(manager, source, context).prepare(context.interrupts.signal);
}

function inspect(source: EnvironmentSource) {
  return openEnvironment('virtualenv', source, context).inspect();
}

/** Everything at the environments' place but the folder of locks. */
async function listMade(): Promise<readonly string[]> {
  return (await readdir(workspace.root).catch(() => [])).filter((name) => name !== '.locks').sort();
}

describe.each(['uv', 'venv and pip'])('an environment made by %s', (tool) => {
  test('has what was asked for, works where it lies, and is found again', async () => {
    if (tool === 'uv') await workspace.addUv();
    await workspace.write('requirements.txt', 'six==1.16.0\n-c constraints.txt\ntomli\n');
    await workspace.write('constraints.txt', 'tomli==2.0.1\n');
    await workspace.write(
      'local package/pyproject.toml',
      '[project]\nname="nearby"\nversion="7"\n',
    );
    const source = await pythonEnv('-r requirements.txt', './local package');
    const before = await inspect(source);
    expect(before).toMatchObject({ state: 'missing', python: python.version });

    const prepared = await prepare(source);

    const folder = before.location ?? '';
    expect(prepared.tags).toEqual([{ key: 'mlflow.project.env', value: 'virtualenv' }]);
    expect(context.said.stderr).toBe(`Making the environment of python_env.yaml with ${tool}\n`);
    const versions =
      'from importlib.metadata import version as v; print(v("six"), v("tomli"), v("nearby"))';
    expect(await runIn(prepared, `python -c '${versions}'`, workspace)).toBe('1.16.0 2.0.1 7');
    const places = 'which python; echo "$VIRTUAL_ENV"; head -qn1 "$(which pip)"; pip --version';
    const said = await runIn(prepared, places, workspace);
    expect(said).toContain(`${folder}/bin/python\n${folder}\n`);
    expect(said).toContain(`from ${folder}/lib/`);
    const activated = `source "${folder}/bin/activate" && echo "$VIRTUAL_ENV" && python -c 'import six, sys; print(sys.prefix)'`;
    expect(await runIn(prepared, activated, workspace)).toBe(`${folder}\n${folder}`);
    const leftovers = await execa(
      'grep',
      ['-rlI', '\\.partial-[0-9a-f]', join(folder, 'bin'), join(folder, 'pyvenv.cfg')],
      { reject: false },
    );
    expect(leftovers.stdout).toBe('');
    expect(await listMade()).toEqual([folder.split('/').at(-1)]);
    expect(existsSync(join(folder, 'mlts-requirements.txt'))).toBe(false);
    expect(await inspect(source)).toMatchObject({ state: 'cached', location: folder });
  });
});

test('build dependencies are installed before dependencies, each group in one call', async () => {
  const calls = join(workspace.bin, 'calls');
  await workspace.addProgram(
    'uv',
    `for last; do :; done
if [ "$1" = venv ]; then mkdir -p "$last/bin"; touch "$last/pyvenv.cfg" "$last/bin/python"; fi
if [ "$1" = pip ]; then paste -sd'|' "$last" >> '${calls}'; fi`,
  );
  const requirements = await workspace.write('requirements.txt', 'six\n');
  const text = `python: "${python.version}"
build_dependencies: [pip, wheel]
dependencies: [-r requirements.txt, --index-url https://example.org/simple]
`;
  await prepare(await workspace.source('python_env', text), 'uv');
  expect((await readFile(calls, 'utf8')).trim().split('\n')).toEqual([
    'pip|wheel',
    `-r ${requirements}|--index-url https://example.org/simple`,
  ]);
});

test('a cached environment is used without starting anything', async () => {
  await workspace.addUv();
  const source = await pythonEnv('six');
  await prepare(source);
  const withoutTools = createTestContext({ env: { ...workspace.env, PATH: '/nowhere' } });
  const environment = openEnvironment('uv', source, withoutTools);
  const prepared = await environment.prepare(withoutTools.interrupts.signal);
  expect(prepared.tags).toEqual([{ key: 'mlflow.project.env', value: 'uv' }]);
  expect(withoutTools.said.stderr).toBe('');
  expect(await runIn(prepared, 'python -c "import six"; echo $?', workspace)).toBe('0');
});

test('PYTHONHOME of the caller does not lead into another Python', async () => {
  await workspace.addUv();
  const prepared = await prepare(await pythonEnv());
  const launch = prepared.launch(
    { shell: 'true', cwd: '/', env: { PYTHONHOME: '/other', PATH: '/usr/bin' }, paths: [] },
    { trackingUri: '', artifactUri: '' },
  );
  expect(launch.env).toEqual({
    VIRTUAL_ENV: expect.stringContaining(workspace.root),
    PATH: expect.stringMatching(/\/mlflow-[0-9a-f]{40}\/bin:\/usr\/bin$/),
  });
});

test('without `python` the Python on PATH is taken', async () => {
  await workspace.addUv();
  const source = await workspace.source('python_env', 'dependencies: []');
  expect((await inspect(source)).python).toBe(python.version);
  const ask = 'python -c "import platform; print(platform.python_version())"';
  expect(await runIn(await prepare(source), ask, workspace)).toBe(python.version);
});

test('a project without environment files gets a Python of its own', async () => {
  await workspace.addUv();
  const { directory } = workspace;
  const prepared = await prepare({ directory, kind: 'none', file: undefined });
  expect(await runIn(prepared, 'python -c "import sys; print(sys.prefix)"', workspace)).toContain(
    workspace.root,
  );
});

test('conda packages are named in one warning, the pip part is installed', async () => {
  await workspace.addUv();
  const text = `dependencies:\n  - python=${python.version}\n  - numpy=1.23.0\n  - pip:\n    - six\n`;
  const prepared = await prepare(await workspace.source('conda_env', text));
  expect(context.said.stderr).toMatch(
    /^warning: conda\.yaml has packages that only conda installs.*: numpy=1\.23\.0;/,
  );
  expect(await runIn(prepared, 'python -c "import six; print(six.__name__)"', workspace)).toBe(
    'six',
  );
});

test('ten processes on a cold cache make one environment', async () => {
  const { bin } = await ensureMlflow();
  const calls = join(workspace.bin, 'calls');
  await workspace.addProgram('uv', `echo "$1" >> '${calls}'; exec '${bin}/uv' "$@"`);
  const source = JSON.stringify(await pythonEnv('six'));
  const program = join(import.meta.dirname, 'prepare-one.ts');
  const runs = Array.from({ length: 10 }, () =>
    execa(process.execPath, [program, source], { env: workspace.env, extendEnv: false }),
  );
  const said = (await Promise.all(runs)).map(({ stdout }) => stdout);
  expect(said.filter((text) => text.includes('Making the environment'))).toHaveLength(1);
  expect((await readFile(calls, 'utf8')).match(/^venv$/gm)).toHaveLength(1);
  expect(await listMade()).toEqual([expect.stringMatching(/^mlflow-[0-9a-f]{40}$/)]);
});

describe('an environment that is not whole', () => {
  test('is made anew, with a warning, when its Python is gone', async () => {
    await workspace.addUv();
    const source = await pythonEnv('six');
    await prepare(source);
    const { location = '' } = await inspect(source);
    await rm(join(location, 'bin', 'python'));
    await symlink('/nowhere/python', join(location, 'bin', 'python'));
    const state = await inspect(source);
    expect(state).toMatchObject({
      state: 'missing',
      warnings: [expect.stringContaining('no working Python')],
    });

    const prepared = await prepare(source);

    expect(context.said.stderr).toContain(
      `warning: the environment ${location} has no working Python`,
    );
    expect(await runIn(prepared, 'python -c "import six"; echo $?', workspace)).toBe('0');
    expect(await listMade()).toHaveLength(1);
  });

  test('is not left behind when it is interrupted', async () => {
    const started = join(workspace.bin, 'started');
    await workspace.addProgram(
      'uv',
      `touch '${started}'; for last; do :; done; mkdir -p "$last"; sleep 60 & wait`,
    );
    const preparing = prepare(await pythonEnv('six'), 'uv');
    const settled = preparing.catch((error: unknown) => error);
    while (!existsSync(started)) await sleep(10);
    context.interrupt('SIGTERM');
    expect(await settled).toMatchObject({ name: 'Interrupted', signalName: 'SIGTERM' });
    expect(await listMade()).toEqual([]);
  });

  test('that a killed process left is removed by the next', async () => {
    await workspace.addUv();
    const source = await pythonEnv('six');
    const name = (await inspect(source)).location?.split('/').at(-1) ?? '';
    const left = join(workspace.root, `.partial-${name.slice(9)}`);
    await mkdir(join(left, 'bin'), { recursive: true });
    await writeFile(join(left, 'bin', 'python'), 'cut off');
    await prepare(source);
    expect(await listMade()).toEqual([name]);
  });

  test('is not left behind on a full disk, and the hint says what helps', async ({ skip }) => {
    await mkdir(workspace.root);
    const mounted = await execa('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', workspace.root], {
      reject: false,
    });
    if (mounted.failed)
      skip('a small file system cannot be mounted here (not root, or a container)');
    try {
      await workspace.addUv();
      await expect(prepare(await pythonEnv('six'))).rejects.toMatchObject({
        name: 'ToolError',
        message: expect.stringMatching(/No space left on device/i),
        hint: expect.stringContaining('MLFLOW_ENV_ROOT'),
      });
      expect(await listMade()).toEqual([]);
    } finally {
      await execa('umount', [workspace.root]);
    }
  });
});

describe('what cannot be made is told', () => {
  test.each(['uv', 'venv and pip'])('a package that does not exist (%s)', async (tool) => {
    if (tool === 'uv') await workspace.addUv();
    await expect(prepare(await pythonEnv('six==0.0.1'))).rejects.toMatchObject({
      name: 'ToolError',
      message: expect.stringMatching(/^Installing dependencies failed \(1\):\n.*six==0\.0\.1/s),
      hint: 'correct the names and versions in the environment file, or ask for another Python',
    });
    expect(await listMade()).toEqual([]);
  });

  test('--env-manager uv without uv', async () => {
    await expect(prepare(await pythonEnv(), 'uv')).rejects.toMatchObject({
      name: 'InvalidInput',
      message: '`uv` was not found on PATH, and --env-manager uv needs it',
      hint: expect.stringContaining('pip install uv'),
    });
  });

  test('a folder for environments that cannot be made', async () => {
    await writeFile(workspace.root, 'a file');
    await expect(prepare(await pythonEnv())).rejects.toMatchObject({
      name: 'InvalidInput',
      message: `cannot make the folder ${workspace.root}/.locks: a part of the path is a file`,
      hint: expect.stringContaining('MLFLOW_ENV_ROOT'),
    });
  });

  test('a password in an index URL stays out of the message', async () => {
    await workspace.addProgram(
      'uv',
      'echo "cannot reach https://me:geheim99@index.invalid/simple" >&2; exit 2',
    );
    const error = await prepare(await pythonEnv('six'), 'uv').catch((reason: unknown) => reason);
    expect(String(error)).toContain('https://me:****@index.invalid/simple');
    expect(JSON.stringify(error)).not.toContain('geheim99');
  });
});

/** MLflow's own code prepares a project's environment; prints its folder and what it logged. */
const ASK_MLFLOW = `
import json, logging, pathlib, sys
import mlflow.utils.virtualenv as v
from mlflow.utils.environment import _PythonEnv
logged = []
v._logger.handlers = [type("H", (logging.Handler,), {"emit": lambda self, r: logged.append(r.getMessage())})()]
v._logger.setLevel(logging.INFO)
directory = pathlib.Path(sys.argv[1])
env = _PythonEnv.from_yaml(directory / "python_env.yaml")
folder = pathlib.Path(v._get_mlflow_virtualenv_root()) / v._get_virtualenv_name(env, directory)
v._create_virtualenv(local_model_path=directory, python_env=env, env_dir=folder, env_manager="uv", capture_output=True)
print(json.dumps({"folder": str(folder), "logged": logged}))
`;

describe('one environment serves MLflow and mlts', () => {
  async function prepareWithMlflow(): Promise<{ folder: string; logged: string[] }> {
    const { bin } = await ensureMlflow();
    const env = { ...workspace.env, PATH: `${bin}:${workspace.env.PATH}` };
    return askPython(ASK_MLFLOW, [workspace.directory], { env, cwd: workspace.directory });
  }

  test('made by mlts, found by MLflow', async () => {
    await workspace.write('requirements.txt', 'six\n');
    const source = await pythonEnv('-r requirements.txt');
    await workspace.addUv();
    await prepare(source);
    const { location } = await inspect(source);
    expect(await prepareWithMlflow()).toEqual({
      folder: location,
      logged: [`Environment ${location} already exists`],
    });
  });

  test('made by MLflow, found by mlts', async () => {
    await workspace.write('requirements.txt', 'six\n');
    const source = await pythonEnv('-r requirements.txt');
    const { folder } = await prepareWithMlflow();
    expect(await inspect(source)).toMatchObject({ state: 'cached', location: folder });
    const prepared = await prepare(source);
    expect(context.said.stderr).toBe('');
    expect(
      await runIn(prepared, 'python -c "import six; print(six.__file__)"', workspace),
    ).toContain(folder);
  });
});
