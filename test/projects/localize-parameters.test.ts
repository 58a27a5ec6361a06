import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { localizeParameters } from '../../src/projects/localize-parameters.ts';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { createTestContext } from '../setup/context.ts';
import { makeFolder } from './project-folder.ts';

/** Localizes the artifact `a.txt` of a run for the parameter `data`, the second of its entry point. */
async function localize(cwd: string, storageDirectory: string | undefined) {
  const context = createTestContext({ cwd, env: { TMPDIR: cwd } });
  const store = await openTrackingStore('sqlite:///mlflow.db', context);
  const run = { experimentId: '0', userId: 'ann', startTimeMs: 0, tags: [] };
  const { info } = await store.createRun(run);
  await mkdir(info.artifactUri, { recursive: true });
  await writeFile(join(info.artifactUri, 'a.txt'), 'hello');
  const uri = `runs:/${info.id}/a.txt`;
  const downloads = [{ name: 'data', uri, folder: 'param_1' }];
  const parameters = { logged: [], values: new Map(), extras: [], downloads, warnings: [] };
  const local = await localizeParameters(parameters, storageDirectory, store, context);
  await store.close();
  return { local, path: local.values.get('data') ?? '' };
}

describe('what a path parameter names by URI', () => {
  test('is downloaded into a folder of its own below --storage-dir, and stays', async () => {
    const cwd = await makeFolder({});
    const { local, path } = await localize(cwd, 'new/storage');
    await local[Symbol.asyncDispose]();
    expect(await readFile(path, 'utf8')).toBe('hello');
    expect(path).toMatch(/\/param_1\/a\.txt$/);
    expect(dirname(dirname(dirname(path)))).toBe(join(cwd, 'new/storage'));
  });

  test('is downloaded into a temporary folder that goes with the run', async () => {
    const { local, path } = await localize(await makeFolder({}), undefined);
    expect(await readFile(path, 'utf8')).toBe('hello');
    await local[Symbol.asyncDispose]();
    expect(existsSync(dirname(dirname(path)))).toBe(false);
  });
});
