import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { invoke } from '../serving/scoring-server.ts';
import { ensureMlflow, findFreePort, mlflowEnv, waitUntilHealthy } from '../setup/mlflow.ts';
import { SAME_SETS } from '../setup/models.ts';
import { ensureOlderModel } from '../setup/older-models.ts';

/** The environments of models as MLflow makes, names and uses them, and as we do. */
let rig: Rig;
let mlflow: string;
let env: Record<string, string>;

beforeAll(async () => {
  rig = createRig();
  const { bin, mlflow: program } = await ensureMlflow();
  mlflow = program;
  env = {
    ...SAME_SETS,
    PATH: `${bin}:${process.env.PATH}`,
    UV_CACHE_DIR: process.env.UV_CACHE_DIR ?? join(process.env.HOME ?? '', '.cache', 'uv'),
  };
});
afterAll(() => rig[Symbol.asyncDispose]());

const listEnvironments = async (root: string) =>
  (await readdir(root)).filter((name) => name.startsWith('mlflow-'));
const askMlflow = (args: readonly string[], more: Record<string, string>) =>
  execa(mlflow, ['models', ...args], {
    cwd: rig.directory,
    env: mlflowEnv({ ...env, ...more }),
    extendEnv: false,
    stripFinalNewline: false,
  });

/** Serves with both, and asks both. */
async function expectSameAnswers(
  asked: readonly string[],
  own: Record<string, string>,
  bodies: readonly string[],
): Promise<void> {
  const [mine, mlflows] = [await findFreePort(), await findFreePort()];
  const argue = (port: number) => ['serve', ...asked, '-p', String(port), '-w', '1'];
  const theirs = askMlflow(argue(mlflows), own);
  theirs.catch(() => {});
  const ours = rig.start(['models', ...argue(mine)], { env: own });
  try {
    for (const port of [mine, mlflows]) await waitUntilHealthy(`http://127.0.0.1:${port}/ping`);
    for (const body of bodies) {
      expect(await invoke(`http://127.0.0.1:${mine}`, body)).toEqual(
        await invoke(`http://127.0.0.1:${mlflows}`, body),
      );
    }
  } finally {
    theirs.kill('SIGTERM');
    ours.kill('SIGTERM');
  }
  expect(await ours.ended).toMatchObject({ exitCode: 0 });
}

describe('an environment that MLflow has made with uv', () => {
  let asked: readonly string[];
  let own: Record<string, string>;
  beforeAll(async () => {
    const { folder } = await ensureOlderModel('2.22.2');
    asked = ['-m', folder, '--env-manager', 'uv'];
    own = { ...env, MLFLOW_ENV_ROOT: rig.path('shared') };
    await askMlflow(['prepare-env', ...asked], own);
    await rig.write({ 'houses.csv': 'area,rooms,new\n10.5,1,True\n20.25,3,False\n' });
  });

  test('is what prepare-env finds', async () => {
    const before = await listEnvironments(rig.path('shared'));
    expect(before).toHaveLength(1);
    const ours = await rig.mlts(['models', 'prepare-env', ...asked], { env: own });
    expect(ours.stdout).toBe(`${rig.path('shared', String(before[0]))}\n`);
    expect(await listEnvironments(rig.path('shared'))).toEqual(before);
  });

  test('predicts the same', async () => {
    const args = ['predict', ...asked, '-t', 'csv', '-i', 'houses.csv'];
    const theirs = await askMlflow([...args, '-o', 'theirs.json'], own);
    const ours = await rig.mlts(['models', ...args], { env: own });
    expect(ours).toMatchObject({ exitCode: 0 });
    const { stdout } = await execa('cat', [rig.path('theirs.json')]);
    expect([theirs.exitCode, ours.stdout]).toEqual([0, stdout]);
  });

  test('answers the same', async () => {
    await expectSameAnswers(asked, own, [
      '{"dataframe_split":{"columns":["area","rooms","new"],"data":[[10.5,1,true],[1,2,false]]}}',
      '{"dataframe_split":{"columns":["area"],"data":[[10.5]]}}',
      '{"inputs": "x"}',
    ]);
  });
});

describe('--install-mlflow, for a model that does not ask for MLflow', () => {
  const asked = ['-m', 'doubling', '--env-manager', 'uv', '--install-mlflow'];
  let own: Record<string, string>;
  beforeAll(async () => {
    const { python } = await ensureMlflow();
    const version = (
      await execa(python, ['-c', 'import platform; print(platform.python_version())'])
    ).stdout;
    own = { ...env, MLFLOW_ENV_ROOT: rig.path('added') };
    await rig.write({
      'doubling/MLmodel':
        'flavors:\n  python_function:\n    loader_module: doubling\n    code: code\n    data: MLmodel\n    env: {conda: conda.yaml, virtualenv: python_env.yaml}\n',
      'doubling/python_env.yaml': `python: "${version}"\ndependencies: [-r requirements.txt]\n`,
      'doubling/requirements.txt': 'six==1.16.0\n',
      'doubling/code/doubling.py':
        'class Doubling:\n    def predict(self, rows, params=None):\n        return rows["a"] * 2\n\ndef _load_pyfunc(path):\n    return Doubling()\n',
      'numbers.csv': 'a\n1\n2\n',
    });
    await askMlflow(['prepare-env', ...asked], own);
  });

  test('what MLflow has made, whose pip has put it elsewhere, gets it', async () => {
    const [name = ''] = await listEnvironments(rig.path('added'));
    expect(await listPackages(rig.path('added', name))).toBe("['six 1.16.0']");
    const args = ['models', 'predict', ...asked, '-i', 'numbers.csv'];
    const first = await rig.mlts(args, { env: own });
    expect(first).toMatchObject({ exitCode: 0, stdout: '{"predictions": [{"a": 2}, {"a": 4}]}' });
    expect(await listPackages(rig.path('added', name))).toContain("'mlflow 3.17.2'");
    const second = await rig.mlts(args, { env: own });
    expect(second).toMatchObject({ exitCode: 0, stdout: first.stdout });
    expect([first.stderr, second.stderr].map((text) => text.includes('MLflow'))).toEqual([
      true,
      false,
    ]);
    expect(await listEnvironments(rig.path('added'))).toEqual([name]);
  });

  test('both answer the same from it', async () => {
    await expectSameAnswers(asked, own, [
      '{"dataframe_split":{"columns":["a"],"data":[[1.5],[2]]}}',
      '{"inputs": [1]}',
      '{}',
    ]);
    expect(await listEnvironments(rig.path('added'))).toHaveLength(1);
  });
});

const pyenv = await findPyenv();

describe.skipIf(pyenv === undefined)(
  `virtualenv${pyenv === undefined ? ' (skipped: MLflow wants pyenv, with a Python)' : ''}`,
  () => {
    test.each([[[]], [['--install-mlflow']]])('makes the same of %j', async (flags) => {
      await rig.write({
        'model/MLmodel':
          'flavors:\n  python_function:\n    loader_module: m\n    env: {conda: conda.yaml, virtualenv: python_env.yaml}\n',
        'model/python_env.yaml': `python: "${pyenv}"\ndependencies: [-r requirements.txt]\n`,
        'model/requirements.txt': 'six==1.16.0\n',
        'sources/pyproject.toml': '[project]\nname = "mlflow"\nversion = "9.9"\n',
        'sources/mlflow/__init__.py': '',
      });
      const args = ['prepare-env', '-m', 'model', '--env-manager', 'virtualenv', ...flags];
      const [theirs, ours] = [rig.path(`theirs${flags.length}`), rig.path(`ours${flags.length}`)];
      const home = { MLFLOW_HOME: rig.path('sources') };
      await askMlflow(args, { ...home, MLFLOW_ENV_ROOT: theirs });
      const own = { ...env, ...home, MLFLOW_ENV_ROOT: ours };
      const ended = await rig.mlts(['models', ...args], { env: own });
      expect(ended).toMatchObject({ exitCode: 0 });
      const names = await listEnvironments(theirs);
      expect(await listEnvironments(ours)).toEqual(names);
      const place = join(theirs, String(names[0]));
      expect(await listPackages(ended.stdout.trim())).toBe(await listPackages(place));
    });
  },
);

/** Without what an environment is made with. */
const LIST = `
from importlib.metadata import distributions
tools = {"pip", "setuptools", "wheel", "packaging"}
print(sorted(f"{one.name} {one.version}" for one in distributions() if one.name not in tools))
`;

async function listPackages(environment: string): Promise<string> {
  return (await execa(join(environment, 'bin/python'), ['-c', LIST])).stdout;
}

/** A Python that pyenv has: MLflow makes no environment of the kind `virtualenv` from another. */
async function findPyenv(): Promise<string | undefined> {
  const { stdout = '' } = await execa('pyenv', ['versions', '--bare'], { reject: false });
  return stdout.split('\n').find((version) => /^3\.(1[0-3])\.\d+$/.test(version.trim()));
}
