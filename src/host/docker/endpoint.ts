import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Env, variables } from '../../core/environment-variables.ts';
import { InvalidInput, NotFound } from '../../core/errors.ts';
import { kindOf, readTextIfPresent } from '../files.ts';
import {
  type DockerConfig,
  dockerConfigDirectory,
  readDockerConfig,
  readDockerJson,
} from './config.ts';

/** Where a daemon may listen. */
export interface DockerEndpoint {
  /** `unix:///var/run/docker.sock`, `tcp://host:2376`, `ssh://user@host`. */
  readonly address: string;
  readonly tls: DockerTls | undefined;
}

/** Contents, not paths, of the PEM files. */
export interface DockerTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

const SYSTEM_SOCKET = '/var/run/docker.sock';

/**
 * The endpoints to try, best first, chosen as the docker command chooses: `DOCKER_HOST`, else the context
 * (`DOCKER_CONTEXT`, `currentContext` of config.json), else the sockets that there are: the system's,
 * rootless Docker's, Docker Desktop's, podman's.
 *
 * @throws NotFound for a context that does not exist.
 */
export async function findDockerEndpoints(env: Env): Promise<readonly DockerEndpoint[]> {
  const host = env[variables.dockerHost];
  if (host) return [{ address: normalizeAddress(host), tls: await readHostTls(env, host) }];
  const context = chooseContext(env, await readDockerConfig(env));
  if (context !== undefined) return [await readContext(env, context)];
  const present = await keepExisting(listSockets(env));
  const sockets = present.length === 0 ? [SYSTEM_SOCKET] : present;
  return sockets.map((path) => ({ address: `unix://${path}`, tls: undefined }));
}

function chooseContext(env: Env, config: DockerConfig): string | undefined {
  const name = env[variables.dockerContext] || config.currentContext;
  return name === undefined || name === '' || name === 'default' ? undefined : name;
}

function listSockets(env: Env): readonly string[] {
  const home = env.HOME || homedir();
  const runtime = env.XDG_RUNTIME_DIR;
  return [
    SYSTEM_SOCKET,
    ...(runtime ? [join(runtime, 'docker.sock')] : []),
    join(home, '.docker/run/docker.sock'),
    join(home, '.docker/desktop/docker.sock'),
    ...(runtime ? [join(runtime, 'podman/podman.sock')] : []),
    '/run/podman/podman.sock',
  ];
}

async function keepExisting(paths: readonly string[]): Promise<readonly string[]> {
  const kinds = await Promise.all(paths.map((path) => kindOf(path).catch(() => undefined)));
  return paths.filter((_path, index) => kinds[index] !== undefined);
}

/** `host:2375` is `tcp://host:2375`; a bare path is a socket. */
function normalizeAddress(host: string): string {
  if (host.startsWith('/')) return `unix://${host}`;
  const address = host.includes('://') ? host : `tcp://${host}`;
  if (/^(unix|npipe|tcp|http|https|ssh):\/\//.test(address)) return address;
  throw new InvalidInput(`\`${host}\` is not the address of a Docker daemon`, {
    hint: 'set DOCKER_HOST to an address such as unix:///var/run/docker.sock or tcp://host:2376',
  });
}

async function readHostTls(env: Env, host: string): Promise<DockerTls | undefined> {
  const wanted = Boolean(env[variables.dockerTlsVerify]) || /:2376\b|^https:/.test(host);
  if (!wanted) return undefined;
  return readTls(env[variables.dockerCertPath] || dockerConfigDirectory(env));
}

/** Contexts are filed under the SHA-256 of their names (`docker context inspect`). */
async function readContext(env: Env, name: string): Promise<DockerEndpoint> {
  const contexts = join(dockerConfigDirectory(env), 'contexts');
  const digest = createHash('sha256').update(name).digest('hex');
  const host = await readContextHost(join(contexts, 'meta', digest, 'meta.json'));
  if (host === undefined) {
    throw new NotFound(`the Docker context \`${name}\` does not exist`, {
      hint: 'see `docker context ls`, then `docker context use default` or set DOCKER_HOST',
    });
  }
  const tls = await readTls(join(contexts, 'tls', digest, 'docker'));
  return { address: normalizeAddress(host), tls: tls.ca === undefined ? undefined : tls };
}

async function readContextHost(path: string): Promise<string | undefined> {
  const meta = await readDockerJson<{ Endpoints?: { docker?: { Host?: string } } }>(path);
  return meta.Endpoints?.docker?.Host;
}

async function readTls(directory: string): Promise<DockerTls> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((file) => readTextIfPresent(join(directory, file))),
  );
  return { ca, cert, key };
}
