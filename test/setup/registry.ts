import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { testCache } from './cache.ts';
import { installMissing } from './debian.ts';
import { findFreePort } from './mlflow.ts';

export interface RunningRegistry {
  /** `127.0.0.1:PORT`; images are `HOST/name:tag`. */
  readonly host: string;
  /** What `docker login` writes to config.json for its one user. */
  readonly auth: string;
  stop(): Promise<void>;
}

const USER = 'me';
const PASSWORD = 'registry-password';
const PASSWORD_HASH = '$2b$04$iwDjOUCWBGhDm5XyMGueXu/r1cJEW07sOVX8Y./BhqNa0NVI41gd2';

/** Debian's image registry on a free port, its data in a temporary folder; a password is needed. */
export async function startRegistry(): Promise<RunningRegistry> {
  await installMissing({ 'docker-registry': 'docker-registry' });
  const directory = await mkdtemp(join(testCache, 'registry-'));
  const host = `127.0.0.1:${await findFreePort()}`;
  const users = join(directory, 'users');
  await writeFile(users, `${USER}:${PASSWORD_HASH}\n`);
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(directory, 'images') } },
    http: { addr: host },
    auth: { htpasswd: { realm: 'test', path: users } },
  };
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
  const server = spawn('docker-registry', ['serve', join(directory, 'config.json')], {
    stdio: 'ignore',
  });
  await waitUntilAnswers(`http://${host}/v2/`);
  return {
    host,
    auth: Buffer.from(`${USER}:${PASSWORD}`).toString('base64'),
    async stop() {
      server.kill();
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Any answer will do: without a password it is a refusal. */
async function waitUntilAnswers(url: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(50)) {
    if ((await fetch(url).catch(() => undefined)) !== undefined) return;
  }
  throw new Error(`${url} did not answer`);
}
