import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { createStepRunner } from '../../src/environments/tool-step.ts';
import { testCache } from '../setup/cache.ts';
import { ensureMlflow } from '../setup/mlflow.ts';

test('an environment that was made without pip is told with its mend', async () => {
  const folder = await mkdtemp(join(testCache, 'no-pip-'));
  const { python } = await ensureMlflow();
  await execa(python, ['-m', 'venv', '--without-pip', folder]);
  const { signal } = new AbortController();
  const run = createStepRunner({ cwd: folder, env: process.env, signal, update: () => {} });
  const file = join(folder, 'bin', 'python');
  const step = { title: 'Installing six', file, args: ['-m', 'pip', 'install', 'six'] };
  await expect(run(step)).rejects.toMatchObject({
    message: expect.stringMatching(/^Installing six failed \(1\):\n.*No module named pip$/),
    hint: expect.stringContaining('install uv'),
  });
  await rm(folder, { recursive: true });
});
