import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { invoke } from '../serving/scoring-server.ts';
import { ensureMlflow, findFreePort, waitUntilHealthy } from '../setup/mlflow.ts';
import { ensureOlderModel } from '../setup/older-models.ts';
import { createRig, type Rig } from './rig.ts';

let rig: Rig;
let env: Record<string, string>;

beforeEach(async () => {
  rig = createRig();
  const { bin } = await ensureMlflow();
  await mkdir(rig.path('bin'));
  await symlink(join(bin, 'uv'), rig.path('bin', 'uv'));
  env = {
    MLFLOW_ENV_ROOT: rig.path('envs'),
    PATH: `${rig.path('bin')}:${process.env.PATH}`,
    UV_CACHE_DIR: process.env.UV_CACHE_DIR ?? join(process.env.HOME ?? '', '.cache', 'uv'),
  };
});
afterEach(() => rig[Symbol.asyncDispose]());

const listEnvironments = async () =>
  (await readdir(rig.path('envs'))).filter((name) => name.startsWith('mlflow-'));

const MODEL = {
  'model/MLmodel':
    'flavors:\n  python_function:\n    loader_module: m\n    env: {conda: conda.yaml, virtualenv: python_env.yaml}\n',
  'model/python_env.yaml': 'python: "3.11"\ndependencies: [-r requirements.txt]\n',
  'model/requirements.txt': 'six==1.16.0\n',
};

test('prepare-env prints the folder in which serve then finds the environment', async () => {
  const { folder } = await ensureOlderModel('2.9.2');
  const prepared = await rig.mlts(['models', 'prepare-env', '-m', folder], { env });
  expect(prepared).toMatchObject({ exitCode: 0 });
  const place = prepared.stdout.trim();
  expect(await listEnvironments()).toEqual([place.split('/').at(-1)]);
  const script = 'import mlflow; print(mlflow.__version__)';
  const { stdout } = await execa(join(place, 'bin', 'python'), ['-W', 'ignore', '-c', script]);
  expect(stdout).toBe('2.9.2');

  const port = String(await findFreePort());
  const server = rig.start(['models', 'serve', '-m', folder, '-p', port, '-w', '1'], {
    env: { ...env, PATH: process.env.PATH ?? '' },
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilHealthy(`${url}/ping`, 60_000);
  const body = '{"dataframe_split":{"columns":["area","rooms","new"],"data":[[10.5,1,true]]}}';
  expect(JSON.parse((await invoke(url, body)).body).predictions[0]).toBeCloseTo(22);
  server.kill('SIGTERM');
  const ended = await server.ended;
  expect(ended).toMatchObject({ exitCode: 0 });
  expect(ended.stderr).not.toContain('Making the environment');
  expect(ended.stderr).toContain('MLflow 2.9.2');
});

test('-o json tells the manager and the Python too', async () => {
  await rig.write(MODEL);
  const args = ['models', 'prepare-env', '-m', 'model', '--env-manager', 'uv', '-o', 'json'];
  const { stdout } = await rig.mlts(args, { env });
  const [name = ''] = await listEnvironments();
  const folder = rig.path('envs', name);
  expect(JSON.parse(stdout)).toEqual({
    model_uri: 'model',
    env_manager: 'uv',
    folder,
    python: join(folder, 'bin', 'python'),
  });
});

test('--install-mlflow makes another environment, with the sources in MLFLOW_HOME on top', async () => {
  await rig.write({
    ...MODEL,
    'our sources/pyproject.toml': '[project]\nname = "mlflow"\nversion = "9.9"\n',
    'our sources/mlflow/__init__.py': 'place = __file__\n',
  });
  const args = ['models', 'prepare-env', '-m', 'model'];
  const plain = await rig.mlts(args, { env });
  const home = { ...env, MLFLOW_HOME: rig.path('our sources') };
  const { stdout, stderr } = await rig.mlts([...args, '--install-mlflow'], { env: home });
  expect(stderr).not.toContain('error');
  expect(stdout).not.toBe(plain.stdout);
  const script = 'import mlflow, six; print(mlflow.place, six.__version__)';
  const python = join(stdout.trim(), 'bin', 'python');
  const said = await execa(python, ['-c', script], { cwd: rig.directory });
  expect(said.stdout).toBe(`${rig.path('our sources', 'mlflow', '__init__.py')} 1.16.0`);
});

test.each([
  [
    ['--env-manager', 'local'],
    2,
    '--env-manager local has nothing to prepare: it is what is there',
  ],
  [['--env-manager', 'poetry'], 2, 'Allowed choices are local, virtualenv, uv, conda.'],
])('%j is refused', async (flags, exitCode, message) => {
  await rig.write(MODEL);
  const ended = await rig.mlts(['models', 'prepare-env', '-m', 'model', ...flags], { env });
  expect(ended).toMatchObject({ exitCode, stdout: '' });
  expect(ended.stderr).toContain(message);
});

test('a model that does not say what it needs, and one that Python cannot load', async () => {
  const flavor = (name: string) => `flavors:\n  ${name}:\n    loader_module: m\n`;
  await rig.write({
    'bare/MLmodel': flavor('python_function'),
    'other/MLmodel': flavor('spark'),
  });
  const bare = await rig.mlts(['models', 'prepare-env', '-m', 'bare'], { env });
  expect(bare).toMatchObject({ exitCode: 1, stdout: '' });
  expect(bare.stderr).toContain('does not say what its environment is made of');
  const other = await rig.mlts(['models', 'prepare-env', '-m', 'other'], { env });
  expect(other.stderr).toContain('has no `python_function` flavor, only: spark');
});
