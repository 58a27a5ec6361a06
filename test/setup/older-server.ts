import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { testCache } from './cache.ts';
import { findFreePort, mlflowEnv, type RunningServer, waitUntilHealthy } from './mlflow.ts';
import { ensureOlderMlflow } from './older-mlflow.ts';

/** The tracking server of an older MLflow on a free port, its data in a temporary folder. */
export async function startOlderServer(version: string): Promise<RunningServer> {
  const python = await ensureOlderMlflow(version);
  const port = await findFreePort();
  const directory = await mkdtemp(join(testCache, 'mlflow-server-'));
  const store = ['--backend-store-uri', `sqlite:///${directory}/mlflow.db`];
  const server = spawn(
    join(dirname(python), 'mlflow'),
    ['server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1', ...store],
    {
      cwd: directory,
      env: { ...mlflowEnv(), PATH: `${dirname(python)}:${process.env.PATH}` },
      stdio: 'ignore',
      detached: true,
    },
  );
  await waitUntilHealthy(`http://127.0.0.1:${port}/health`);
  return {
    uri: `http://127.0.0.1:${port}`,
    async stop() {
      if (server.pid !== undefined && server.exitCode === null)
        process.kill(-server.pid, 'SIGKILL');
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
