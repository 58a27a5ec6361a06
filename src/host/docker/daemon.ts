import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import type { Env } from '../../core/environment-variables.ts';
import { type DockerEndpoint, findDockerEndpoints } from './endpoint.ts';
import { explainDockerError } from './error.ts';

/** A daemon that has answered. */
export interface Docker {
  /** For messages: `unix:///var/run/docker.sock`. */
  readonly address: string;
  /** False where the daemon is on another machine: folders of this one cannot be mounted there. */
  readonly isLocal: boolean;
  /** True where root in a container is the daemon's own user (rootless Docker, podman). */
  readonly isRootless: boolean;
  /** For the files of `host/` only. */
  readonly engine: Dockerode;
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Finds a daemon that answers, as the docker command would (see `findDockerEndpoints`).
 *
 * @throws Unavailable where none answers, MltsError PERMISSION_DENIED where its socket may not be used.
 */
export async function connectDocker(env: Env): Promise<Docker> {
  const endpoints = await findDockerEndpoints(env);
  const failures: unknown[] = [];
  for (const endpoint of endpoints) {
    try {
      return await openEndpoint(endpoint);
    } catch (error) {
      failures.push(explainDockerError(error, { action: 'talk to', subject: endpoint.address }));
    }
  }
  throw failures[0];
}

async function openEndpoint(endpoint: DockerEndpoint): Promise<Docker> {
  const { default: Engine } = await import('dockerode');
  const engine = new Engine(toEngineOptions(endpoint));
  await pingDaemon(engine, CONNECT_TIMEOUT_MS);
  const info: DaemonInfo = await engine.info();
  return {
    address: endpoint.address,
    isLocal: /^(unix|npipe):/.test(endpoint.address),
    isRootless: isRootless(info),
    engine,
  };
}

interface DaemonInfo {
  readonly SecurityOptions?: readonly string[] | null;
  /** Podman's way of saying so, which Docker does not have. */
  readonly Rootless?: boolean;
}

function isRootless({ SecurityOptions, Rootless = false }: DaemonInfo): boolean {
  return Rootless || (SecurityOptions ?? []).some((option) => option.startsWith('name=rootless'));
}

/** Asks for a sign of life. @throws with the code ETIMEDOUT where none comes in time. */
export async function pingDaemon(engine: Dockerode, timeoutMs: number): Promise<void> {
  const timer = new AbortController();
  const timeout = sleep(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
  });
  timeout.catch(() => {});
  try {
    await Promise.race([engine.ping(), timeout]);
  } finally {
    timer.abort();
  }
}

/** Every field is named: dockerode fills what is left out from `process.env.DOCKER_HOST`. */
function toEngineOptions({ address, tls }: DockerEndpoint): Dockerode.DockerOptions {
  const path = /^(?:unix|npipe):\/\/(.*)$/.exec(address)?.[1];
  if (path !== undefined) {
    return { socketPath: path, protocol: 'http', ...without('host', 'port', 'ca', 'cert', 'key') };
  }
  const url = new URL(address);
  const scheme = url.protocol.replace(':', '');
  const protocol =
    scheme === 'ssh' ? 'ssh' : tls === undefined && scheme !== 'https' ? 'http' : 'https';
  return {
    ...without('socketPath', 'ca', 'cert', 'key'),
    protocol,
    host: url.hostname,
    port: url.port || DEFAULT_PORTS[protocol],
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...Object.fromEntries(Object.entries(tls ?? {}).filter(([, pem]) => pem !== undefined)),
  };
}

const DEFAULT_PORTS = { http: '2375', https: '2376', ssh: '22' } as const;

function without(...names: readonly string[]): Record<string, undefined> {
  return Object.fromEntries(names.map((name) => [name, undefined]));
}
