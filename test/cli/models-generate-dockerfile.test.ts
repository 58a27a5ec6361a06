import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

const mlts = resolve(import.meta.dirname, '../../bin/mlts.cjs');
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-dockerfile-'));
  await writeModel('scikit-learn==1.5.0\nmlflow==3.17.2\n');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function writeModel(requirements: string, flavor = 'python_function'): Promise<void> {
  const model = join(folder, 'model');
  await rm(model, { recursive: true, force: true });
  await execa('mkdir', ['-p', model]);
  await writeFile(
    join(model, 'MLmodel'),
    `flavors:\n  ${flavor}:\n    loader_module: mlflow.sklearn\n    env: {virtualenv: python_env.yaml, conda: conda.yaml}\nmlflow_version: 3.17.2\nrun_id: abc\n`,
  );
  await writeFile(
    join(model, 'python_env.yaml'),
    'python: 3.11.7\nbuild_dependencies: [pip==23.2.1]\ndependencies: [-r requirements.txt]\n',
  );
  await writeFile(join(model, 'conda.yaml'), 'dependencies: [python=3.11.7, pip]\n');
  await writeFile(join(model, 'requirements.txt'), requirements);
}

function generate(...args: readonly string[]) {
  const all = ['models', 'generate-dockerfile', '-m', 'model', '-d', 'out', ...args];
  return execa(mlts, all, { cwd: folder, reject: false });
}

const read = (path: string): Promise<string> => readFile(join(folder, 'out', path), 'utf8');

test('the folder has all that a build needs, the model last', async () => {
  const { exitCode, stdout } = await generate();
  expect(exitCode).toBe(0);
  expect(stdout).toBe(join(folder, 'out'));
  const lines = (await read('Dockerfile')).split('\n');
  expect(lines).toContain('FROM python:3.11.7-slim AS packages');
  expect(lines).toContain('USER 10001:0');
  const at = (start: string): number => lines.findIndex((line) => line.startsWith(start));
  expect(at('COPY --from=packages /opt/venv')).toBeLessThan(at('COPY server/'));
  expect(at('COPY server/')).toBeLessThan(at('COPY model/'));
  expect(await readdir(join(folder, 'out'))).toEqual([
    'Dockerfile',
    'model',
    'requirements',
    'server',
  ]);
  expect(await read('model/requirements.txt')).toContain('scikit-learn==1.5.0');
  expect((await stat(join(folder, 'out/server/bin/mlts.cjs'))).mode & 0o111).toBe(0o111);
});

test('a plain model gets the core of MLflow, or all of it where that is asked for', async () => {
  await generate();
  expect(await read('requirements/requirements.txt')).toBe(
    'scikit-learn==1.5.0\nmlflow-skinny==3.17.2\npandas\nnumpy\n',
  );
  await generate('--full-mlflow');
  expect(await read('requirements/requirements.txt')).toBe('scikit-learn==1.5.0\nmlflow==3.17.2\n');
});

test('the same model makes the same Dockerfile, and what else is in the folder stays', async () => {
  await generate();
  const first = await read('Dockerfile');
  await writeFile(join(folder, 'out', 'mine.txt'), 'mine');
  expect((await generate()).exitCode).toBe(0);
  expect(await read('Dockerfile')).toBe(first);
  expect(await read('mine.txt')).toBe('mine');
});

test('a model that Python cannot load is refused, and nothing is written', async () => {
  await writeModel('', 'crate');
  const { exitCode, stderr } = await generate();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^error: the model in .* has no `python_function` flavor, only: crate/m);
  expect(await readdir(folder)).toEqual(['model']);
});

test('Java, another base and other Pythons are asked for by options', async () => {
  await generate('--install-java', '--base-image', 'registry.example/python:1');
  const text = await read('Dockerfile');
  expect(text).toContain('FROM registry.example/python:1\n');
  expect(text).toContain('default-jre-headless');
  const { exitCode, stderr } = await generate('--base-image', 'a b');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('"a b" is no name of an image');
});
