import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import {
  ensureMlflow,
  findFreePort,
  mlflowEnv,
  type RunningServer,
  waitUntilHealthy,
} from './mlflow.ts';

const SCRIPT = resolve(import.meta.dirname, 'models.py');

/** Folder with the models that `models.py` saves, made on first use and whenever the script changes. */
export function ensureModels(): Promise<string> {
  return once('models', async () => {
    const { python } = await ensureMlflow();
    const digest = createHash('sha256')
      .update(await readFile(SCRIPT))
      .digest('hex')
      .slice(0, 16);
    const folder = join(testCache, `models-${digest}`);
    const done = join(folder, 'complete');
    if (existsSync(done)) return folder;
    await rm(folder, { recursive: true, force: true });
    await execa(python, [SCRIPT, folder], { env: mlflowEnv(), extendEnv: false });
    await writeFile(done, '');
    return folder;
  });
}

/** Messages show sets of Python, whose order is another one in each process. */
export const SAME_SETS = { PYTHONHASHSEED: '0' };

/** A file: Spark refuses to work in a Python that was given its program as text. */
const SERVE_ALL = resolve(import.meta.dirname, 'serve-models.py');

/** Models that lie in one folder, and the Python that can load them. */
export interface ModelFolder {
  readonly python: string;
  readonly folder: string;
}

/** MLflow's own scoring server, with several models in one process, each below its name. */
export async function startMlflowScoring(
  names: readonly string[],
  place?: ModelFolder,
): Promise<RunningServer> {
  const { python, folder } = place ?? {
    python: (await ensureMlflow()).python,
    folder: await ensureModels(),
  };
  const port = await findFreePort();
  const server = spawn(python, [SERVE_ALL, String(port), folder, ...names], {
    cwd: await makeServingFolder(),
    env: mlflowEnv(SAME_SETS),
    stdio: 'ignore',
  });
  const uri = `http://127.0.0.1:${port}`;
  await waitUntilHealthy(`${uri}/health`);
  return {
    uri,
    async stop() {
      server.kill('SIGKILL');
    },
  };
}

/** Where models are served: some write traces into the folder that they run in, by a database of their own. */
export async function makeServingFolder(): Promise<string> {
  const folder = join(testCache, 'serving');
  await mkdir(folder, { recursive: true });
  return folder;
}
