import { join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { copyWhole } from '../host/file-placement.ts';
import { kindOf } from '../host/files.ts';

import { createStepRunner, type StepSurroundings } from './tool-step.ts';

/** What uv needs of a project to install exactly what was locked. */
const FILES = { lock: 'uv.lock', project: 'pyproject.toml', python: '.python-version' } as const;

/** Models that newer MLflow logs from a uv project have its lock file (`mlflow/utils/uv_utils.py`). */
export async function hasUvLock(directory: string): Promise<boolean> {
  return (await kindOf(join(directory, FILES.lock))) === 'file';
}

/**
 * Installs what uv.lock pins into the virtual environment in `folder`, and nothing else
 * (`run_uv_sync`); the project's files stay there, as in MLflow.
 *
 * @throws InvalidInput where the project of the lock is missing, ToolError where uv fails.
 */
export async function syncWithLock(
  uv: string,
  directory: string,
  folder: string,
  surroundings: StepSurroundings,
): Promise<void> {
  if ((await kindOf(join(directory, FILES.project))) !== 'file') {
    throw new InvalidInput(`${join(directory, FILES.lock)} lies there without its pyproject.toml`, {
      hint: 'use --env-manager virtualenv, which installs the requirements instead of the lock',
    });
  }
  for (const name of Object.values(FILES)) {
    const source = join(directory, name);
    if ((await kindOf(source)) === 'file') await copyWhole(source, join(folder, name), '.copying-');
  }
  const env = { ...surroundings.env, UV_PROJECT_ENVIRONMENT: folder };
  const run = createStepRunner({ ...surroundings, env, cwd: folder });
  const args = ['sync', '--frozen', '--no-dev'];
  await run({ title: 'Installing what uv.lock pins', file: uv, args });
}
