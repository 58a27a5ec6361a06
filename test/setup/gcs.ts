import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { findFreePort, type RunningServer, waitUntilHealthy } from './mlflow.ts';

/** Speaks Google's JSON API; credentials are not its job. */
const FAKE_GCS_VERSION = 'v1.56.1';

/** The program that serves GCS, built with Go on first use. */
function ensureFakeGcs(): Promise<string> {
  return once('fake-gcs-server', async () => {
    const directory = join(testCache, `fake-gcs-server-${FAKE_GCS_VERSION}`);
    const program = join(directory, 'fake-gcs-server');
    if (!existsSync(program)) {
      const source = `github.com/fsouza/fake-gcs-server@${FAKE_GCS_VERSION}`;
      await execa('go', ['install', source], { env: { GOBIN: directory, GOFLAGS: '-p=2' } });
    }
    return program;
  });
}

/** Why there can be no GCS server here; undefined where there can be one. */
export async function whyNoGcs(): Promise<string | undefined> {
  const { exitCode } = await execa('go', ['version'], { reject: false });
  return exitCode === 0 ? undefined : 'go, which builds fake-gcs-server, is not installed';
}

export interface GcsServer extends RunningServer {
  /** Variables with which a client finds it. */
  readonly env: Readonly<Record<string, string>>;
  createBucket(bucket: string): Promise<void>;
}

/** A GCS server on a free port; what it holds is in its memory and ends with it. */
export async function startGcsServer(): Promise<GcsServer> {
  const program = await ensureFakeGcs();
  const port = await findFreePort();
  const uri = `http://127.0.0.1:${port}`;
  const args = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port)];
  const server = spawn(program, [...args, '-external-url', uri, '-backend', 'memory'], {
    stdio: 'ignore',
    detached: true,
  });
  await waitUntilHealthy(`${uri}/_internal/healthcheck`);
  return {
    uri,
    env: { STORAGE_EMULATOR_HOST: uri },
    async createBucket(bucket) {
      const body = JSON.stringify({ name: bucket });
      const answer = await fetch(`${uri}/storage/v1/b?project=test`, { method: 'POST', body });
      if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    },
    async stop() {
      if (server.pid !== undefined && server.exitCode === null)
        process.kill(-server.pid, 'SIGKILL');
    },
  };
}
