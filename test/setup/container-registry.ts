import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { findFreePort, waitUntilHealthy } from './mlflow.ts';

/** What registries of images are made of; Docker Hub too. */
const REGISTRY_VERSION = 'v3.0.0';

/** Why there can be no registry here; undefined where there can be one. */
export async function whyNoRegistry(): Promise<string | undefined> {
  const { exitCode } = await execa('go', ['version'], { reject: false });
  return exitCode === 0 ? undefined : 'go, which builds the registry, is not installed';
}

/** The program, built with Go on first use. */
function ensureRegistry(): Promise<string> {
  return once('container-registry', async () => {
    const directory = join(testCache, `container-registry-${REGISTRY_VERSION}`);
    const program = join(directory, 'registry');
    if (!existsSync(program)) {
      const source = `github.com/distribution/distribution/v3/cmd/registry@${REGISTRY_VERSION}`;
      await execa('go', ['install', source], { env: { GOBIN: directory, GOFLAGS: '-p=2' } });
    }
    return program;
  });
}

export interface ContainerRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`; Docker takes plain http from this machine. */
  readonly host: string;
  /** A `DOCKER_CONFIG` folder in which its only user has logged in. */
  readonly loggedIn: string;
  listTags(name: string): Promise<readonly string[]>;
}

const USER = 'tester:registry-password';
/** Of that password, by bcrypt. */
const PASSWORD_FILE = 'tester:$2b$04$OrPTIGm.zLf12hlFZvMv8uOK66mzrdgdV9n0zf9dZ3AGePFZC2fba\n';

/** A registry that asks for a password; what it holds goes with it. */
export async function startContainerRegistry(): Promise<ContainerRegistry> {
  const program = await ensureRegistry();
  const folder = await mkdtemp(join(testCache, 'container-registry-'));
  const host = `127.0.0.1:${await findFreePort()}`;
  await writeFile(join(folder, 'passwords'), PASSWORD_FILE);
  await writeFile(join(folder, 'registry.yml'), describe(host, folder));
  const auth = Buffer.from(USER).toString('base64');
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  const server = spawn(program, ['serve', join(folder, 'registry.yml')], {
    stdio: 'ignore',
    // It would report to a collector of traces.
    env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
  });
  await waitUntilHealthy(`http://${host}/`);
  return {
    host,
    loggedIn: folder,
    async listTags(name) {
      const headers = { authorization: `Basic ${auth}` };
      const answer = await fetch(`http://${host}/v2/${name}/tags/list`, { headers });
      return answer.ok ? ((await answer.json()) as { tags: readonly string[] }).tags : [];
    },
    async [Symbol.asyncDispose]() {
      server.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function describe(host: string, folder: string): string {
  return `version: 0.1
storage: {filesystem: {rootdirectory: ${join(folder, 'images')}}}
http: {addr: "${host}"}
auth: {htpasswd: {realm: test, path: ${join(folder, 'passwords')}}}
`;
}
