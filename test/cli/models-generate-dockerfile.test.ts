import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { listFilesBelow } from '../../src/host/file-tree.ts';
import { testCache } from '../setup/cache.ts';
import { mountSmallDisk, whyNoSmallDisk } from '../setup/small-disk.ts';
import { createImageRig, tinyModel } from './tiny-model.ts';

const GENERATE = ['models', 'generate-dockerfile'];
const noSmallDisk = await whyNoSmallDisk();

async function readTree(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = await listFilesBelow(folder);
  const texts = files
    .filter((file) => file !== 'server.tar')
    .map(async (file): Promise<[string, string]> => {
      const mode = (await stat(join(folder, file))).mode.toString(8);
      return [file, `${mode} ${await readFile(join(folder, file), 'utf8')}`];
    });
  return new Map(await Promise.all(texts));
}

/** The same model in another folder. */
function rename(model: Readonly<Record<string, string>>, folder: string): Record<string, string> {
  const renamed = Object.entries(model).map(([path, text]) => [
    path.replace('model', folder),
    text,
  ]);
  return Object.fromEntries(renamed);
}

describe('mlts models generate-dockerfile', () => {
  test('writes all that a build needs: requirements, server, model', async () => {
    await using rig = createImageRig();
    await rig.write({
      ...tinyModel(['six==1.16.0 # small', '-c limits.txt']),
      'model/limits.txt': 'six<2\n',
    });
    const ended = await rig.mlts([...GENERATE, '-m', 'model']);
    expect(ended).toMatchObject({ exitCode: 0, stdout: `${rig.path('mlflow-dockerfile')}\n` });
    const tree = await readTree(rig.path('mlflow-dockerfile'));
    expect(tree.get('requirements/requirements.txt')).toMatch(/ six==1.16.0\nmlflow==3.17.2\n$/);
    expect(tree.get('requirements/constraints.txt')).toMatch(/ six<2\n$/);
    expect(tree.get('model/weights.bin')).toMatch(/ weights\n$/);
    const dockerfile = tree.get('Dockerfile') ?? '';
    expect(dockerfile).toContain('FROM python:3-slim AS packages\n');
    expect(dockerfile).toMatch(/^USER 10001:0$/m);
    expect(dockerfile).toMatch(/^STOPSIGNAL SIGTERM$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK .*\/mlts-address'.* '\/ping'/m);
    expect(dockerfile).toContain('mlflow.run.id="0123456789abcdef0123456789abcdef"');
    expect(dockerfile).toMatch(/mlflow\.model\.signature="sha256:[0-9a-f]{64}"/);
    expect(dockerfile.trimEnd().split('\n').at(-1)).toBe('COPY model/ /opt/ml/model/');
    const { stdout } = await execa('tar', ['tvf', rig.path('mlflow-dockerfile/server.tar')]);
    expect(stdout).toMatch(/^-rwxr-xr-x .* bin\/mlts\.cjs$/m);
    expect(stdout).toMatch(/^-rwxr-xr-x .*\/bin\/node$/m);
    expect(stdout).toMatch(/^-rw-r--r-- .* dist\/worker\.py$/m);
  });

  test('the same model gives the same files, whenever and wherever', async () => {
    await using rig = createImageRig();
    await using other = createImageRig();
    const files = tinyModel(['six']);
    await rig.write(files);
    await other.write(Object.fromEntries(Object.entries(files).reverse()));
    await rig.mlts([...GENERATE, '-m', 'model', '-d', 'one']);
    await other.mlts([...GENERATE, '-m', 'model', '-d', 'two']);
    expect(await readTree(rig.path('one'))).toEqual(await readTree(other.path('two')));
  });

  test('a plain model gets the core of MLflow, or all of it where that is asked for', async () => {
    await using rig = createImageRig();
    const requirements = ['scikit-learn==1.5.0', 'mlflow==3.17.2'];
    await rig.write(tinyModel(requirements, 'python_function', 'mlflow.sklearn'));
    const read = async (...args: readonly string[]) => {
      await rig.mlts([...GENERATE, '-m', 'model', '-d', 'out', ...args]);
      return readFile(rig.path('out/requirements/requirements.txt'), 'utf8');
    };
    expect(await read()).toBe('scikit-learn==1.5.0\nmlflow-skinny==3.17.2\npandas\nnumpy\n');
    expect(await read('--full-mlflow')).toBe('scikit-learn==1.5.0\nmlflow==3.17.2\n');
  });

  test('written again, it takes the place of the old one; what else is in the folder stays', async () => {
    await using rig = createImageRig();
    await rig.write(tinyModel(['six']));
    await rig.mlts([...GENERATE, '-m', 'model', '-d', 'out']);
    const first = await readTree(rig.path('out'));
    await rig.write({ 'out/mine.txt': 'mine', 'out/model/old.bin': 'of another model' });
    expect(await rig.mlts([...GENERATE, '-m', 'model', '-d', 'out'])).toMatchObject({
      exitCode: 0,
    });
    const second = await readTree(rig.path('out'));
    expect(second.get('mine.txt')).toMatch(/ mine$/);
    expect(second).toEqual(new Map([...first, ['mine.txt', second.get('mine.txt')]]));
  });

  test('the model’s .dockerignore counts', async () => {
    await using rig = createImageRig();
    await rig.write({ ...tinyModel(['six']), 'model/.dockerignore': '*.bin\n' });
    await rig.mlts([...GENERATE, '-m', 'model', '-d', 'out']);
    expect(await readdir(rig.path('out/model'))).not.toContain('weights.bin');
  });

  test('MLflow’s options: Java, MLflow’s sources, a base image of one’s own, no model', async () => {
    await using rig = createImageRig();
    await rig.write({ ...tinyModel(['six']), 'sources/pyproject.toml': '[project]\n' });
    const read = async (args: readonly string[]) => {
      const ended = await rig.mlts([...GENERATE, '-d', 'out', ...args]);
      expect(ended).toMatchObject({ exitCode: 0 });
      return readFile(rig.path('out/Dockerfile'), 'utf8');
    };
    const java = await read(['-m', 'model', '--install-java', '--base-image', 'my/python:1']);
    expect(java).toContain('FROM my/python:1\nRUN apt-get update');
    expect(java).toContain('default-jre-headless');
    await read(['-m', 'model', '--mlflow-home', 'sources', '--install-mlflow']);
    expect(await readdir(rig.path('out/requirements/mlflow'))).toEqual(['pyproject.toml']);
    const generic = await read(['--env-manager', 'virtualenv']);
    expect(generic).not.toContain('COPY model/');
    expect(generic).toContain('MLTS_CONTAINER_ENV_MANAGER=virtualenv');
    expect(await read(['--install-java', 'No'])).not.toContain('jre');
  });

  test('NVIDIA’s image, conda, and a generic image with MLflow in its environments', async () => {
    await using rig = createImageRig();
    const conda = 'dependencies: [python=3.11.7, pip, {pip: [six]}]\n';
    await rig.write({ ...tinyModel(['six']), 'model/conda.yaml': conda });
    const read = async (args: readonly string[]) => {
      const ended = await rig.mlts([...GENERATE, '-d', 'out', ...args]);
      expect(ended).toMatchObject({ exitCode: 0 });
      return readFile(rig.path('out/Dockerfile'), 'utf8');
    };
    const gpu = await read(['-m', 'model', '--gpu']);
    expect(gpu.match(/^FROM nvidia\/cuda:\S+-runtime-/gm)).toHaveLength(2);
    expect(gpu).toMatch(/apt-get install .* python3 python3-pip python3-venv/);
    expect(gpu).toContain('NVIDIA_VISIBLE_DEVICES=all');
    const own = await read(['-m', 'model', '--gpu', '--base-image', 'my/cuda:1']);
    expect(own).not.toContain('apt-get');
    const withConda = await read(['-m', 'model', '--env-manager', 'conda']);
    expect(withConda).toMatch(/^FROM condaforge\/miniforge3:latest AS packages$/m);
    expect(withConda).toMatch(/^RUN conda env create --yes -p \/opt\/venv -f .*conda\.yaml/m);
    expect(withConda).toMatch(/^FROM debian:12-slim$/m);
    expect(await readFile(rig.path('out/requirements/conda.yaml'), 'utf8')).toBe(conda);
    const generic = await read(['--env-manager', 'conda', '--install-mlflow']);
    expect(generic).toContain('MLTS_CONTAINER_ENV_MANAGER=conda');
    expect(generic).toContain('MLTS_CONTAINER_INSTALL_MLFLOW=true');
  });

  test('MLflow is installed for a model that does not ask for it, but not into a virtualenv', async () => {
    await using rig = createImageRig();
    await rig.write(tinyModel(['six']));
    const read = async (...args: readonly string[]) => {
      await rig.mlts([...GENERATE, '-m', 'model', '-d', 'out', ...args]);
      return readFile(rig.path('out/requirements/requirements.txt'), 'utf8');
    };
    expect(await read()).toBe('six\nmlflow==3.17.2\n');
    expect(await read('--env-manager', 'local')).toBe('six\nmlflow==3.17.2\n');
    expect(await read('--env-manager', 'virtualenv')).toBe('six\n');
    expect(await read('--env-manager', 'virtualenv', '--install-mlflow')).toMatch(/mlflow==/);
  });

  test('what is wrong is told in one line, and nothing is written', async () => {
    await using rig = createImageRig();
    await rig.write({
      ...tinyModel(['six'], 'sklearn'),
      'evil/MLmodel': 'flavors: {python_function: {env: {virtualenv: python_env.yaml}}}\n',
      'evil/python_env.yaml': 'python: "3.11\\nRUN evil"\n',
      'own/Dockerfile': 'FROM mine\n',
      ...rename(tinyModel(['six']), 'fine'),
    });
    const cases = [
      [['-m', 'model'], 'no `python_function` flavor'],
      [['-m', 'none'], 'no such file or folder'],
      [['-m', 'evil'], 'is no name of an image'],
      [['-m', 'evil', '--base-image', 'python:3'], 'is no version of Python'],
      [['--env-manager', 'local'], '--env-manager local needs a model', 2],
      [['--wheelhouse', 'own'], '--wheelhouse needs a model', 2],
      [['-m', 'fine', '--install-java', 'perhaps'], 'It must be true or false', 2],
      [['--mlflow-home', 'own'], '--mlflow-home (MLFLOW_HOME) needs a model', 2],
      [['-m', 'model', '--platform', 'windows/amd64'], 'linux/amd64, linux/arm64', 2],
      [['-m', 'fine', '--mlflow-home', 'none'], 'is no folder with MLflow'],
      [['-m', 'fine', '--wheelhouse', 'own'], 'holds no wheels'],
      [['-m', 'model', '-d', 'model/MLmodel/x'], ''],
      [['-d', 'own'], 'mlts did not write it'],
    ] as const;
    for (const [args, message, exitCode = 1] of cases) {
      const ended = await rig.mlts([...GENERATE, '-d', 'out', ...args]);
      expect(ended).toMatchObject({ exitCode, stdout: '' });
      expect(ended.stderr).toMatch(/^error: .*\nhint: .*\n$/);
      expect(ended.stderr).toContain(message);
    }
    expect((await readdir(rig.directory)).toSorted()).toEqual(['evil', 'fine', 'model', 'own']);
    expect(await readFile(rig.path('own/Dockerfile'), 'utf8')).toBe('FROM mine\n');
  });

  test.skipIf(noSmallDisk !== undefined)(
    `a full disk leaves what was there${noSmallDisk ? ` (skipped: ${noSmallDisk})` : ''}`,
    async () => {
      await using rig = createImageRig();
      await rig.write(tinyModel(['six']));
      const mount = await mkdtemp(join(testCache, 'small-'));
      try {
        // The server alone is larger.
        await using disk = await mountSmallDisk(join(mount, 'disk'), 20_000);
        const ended = await rig.mlts([...GENERATE, '-m', 'model', '-d', join(disk.path, 'out')]);
        expect(ended.exitCode).toBe(1);
        expect(ended.stderr).toMatch(/^error: the disk of .* is full.*\nhint: /);
        expect(await listFilesBelow(disk.path)).toEqual([]);
      } finally {
        await rm(mount, { recursive: true, force: true });
      }
    },
  );
});
