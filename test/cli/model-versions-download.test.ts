import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from './rig.ts';

let rig: Rig;

beforeAll(async () => {
  rig = createRig();
  await rig.write({ 'made/MLmodel': 'flavors: {}', 'made/data/w.bin': 'one' });
  for (const line of [
    'registered-models create churn',
    'model-versions create churn --source made',
    'model-versions create churn --source models:/churn/1',
    'model-versions transition-stage churn 1 Staging',
    'registered-models set-alias churn best 2',
  ]) {
    expect(await rig.mlts(line.split(' ')), line).toMatchObject({ exitCode: 0 });
  }
});
afterAll(() => rig[Symbol.asyncDispose]());

const download = (...args: readonly string[]) =>
  rig.mlts(['model-versions', 'download', 'churn', ...args]);

test.each([
  ['1', '1'],
  ['staging', '1'],
  ['@best', '2'],
  ['latest', '2'],
])('%s is version %s', async (asked, version) => {
  const target = `to-${asked.replace('@', '')}`;
  const ended = await download(asked, '-d', target);
  expect(ended).toMatchObject({ exitCode: 0, stdout: `${rig.path(target)}\n` });
  expect(await readFile(rig.path(target, 'data/w.bin'), 'utf8')).toBe('one');
  const note = await readFile(rig.path(target, 'registered_model_meta'), 'utf8');
  expect(note).toBe(`model_name: churn\nmodel_version: '${version}'\n`);
});

test('without a folder to go to, a model on this machine stays where it is', async () => {
  expect((await download('1')).stdout).toBe(`${rig.path('made')}\n`);
  expect((await readdir(rig.path('made'))).sort()).toEqual(['MLmodel', 'data']);
});

test('what is there already is replaced file by file', async () => {
  await rig.write({ 'again/MLmodel': 'old', 'again/mine.txt': 'kept' });
  await download('1', '-d', 'again', '--no-cache');
  expect(await readFile(rig.path('again/MLmodel'), 'utf8')).toBe('flavors: {}');
  expect(await readFile(rig.path('again/mine.txt'), 'utf8')).toBe('kept');
});

describe('what is wrong is one line', () => {
  test.each([
    { args: ['9'], exitCode: 1, says: /^error: model `churn` has no version 9\nhint: / },
    {
      args: ['Production'],
      exitCode: 1,
      says: /^error: .*no version in stage `Production`\nhint: list /,
    },
    { args: ['@none'], exitCode: 1, says: /^error: .*no alias `none`\nhint: look at / },
    { args: ['nonsense'], exitCode: 1, says: /^error: `nonsense` is no version and no stage/ },
    { args: ['1/data'], exitCode: 2, says: /error: `1\/data` names no version\nhint: / },
    { args: [], exitCode: 2, says: /missing required argument 'version'/ },
  ])('$args', async ({ args, exitCode, says }) => {
    const ended = await download(...args);
    expect(ended).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(says) });
  });
});

test('doctor shows the cache of models, unless it is off', async () => {
  const show = async (env: Record<string, string> = {}): Promise<string> =>
    (await rig.mlts(['doctor'], { env })).stdout;
  expect(await show()).toMatch(/mlts\/models: .*\(downloaded models\)/);
  expect(await show({ MLTS_MODEL_CACHE: 'off' })).not.toContain('downloaded models');
});
