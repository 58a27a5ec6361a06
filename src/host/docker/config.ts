import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Env, variables } from '../../core/environment-variables.ts';
import { InvalidInput } from '../../core/errors.ts';
import { readTextIfPresent } from '../files.ts';

/** The parts of Docker's own `config.json` that are used here, as the docker command writes them. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; identitytoken?: string }>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly currentContext?: string;
  readonly proxies?: Readonly<Record<string, ProxyConfig>>;
}

export interface ProxyConfig {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  readonly ftpProxy?: string;
  readonly noProxy?: string;
  readonly allProxy?: string;
}

/** `$DOCKER_CONFIG` or `~/.docker`. */
export function dockerConfigDirectory(env: Env): string {
  return env[variables.dockerConfig] || join(env.HOME || homedir(), '.docker');
}

/** The user's Docker settings; empty where there are none. @throws InvalidInput for a broken file. */
export async function readDockerConfig(env: Env): Promise<DockerConfig> {
  return readDockerJson(join(dockerConfigDirectory(env), 'config.json'));
}

/** One of the docker command's files; empty where it is not there. @throws InvalidInput for a broken file. */
export async function readDockerJson<T extends object>(path: string): Promise<Partial<T>> {
  const text = await readTextIfPresent(path);
  if (text === undefined || text.trim() === '') return {};
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new InvalidInput(`Docker's settings in ${path} are not JSON`, { cause });
  }
}

/**
 * The proxy variables of `config.json` in both spellings, which the docker command hands to every build
 * and container.
 */
export function readProxyVariables(config: DockerConfig): Record<string, string> {
  const { httpProxy, httpsProxy, ftpProxy, noProxy, allProxy } = config.proxies?.default ?? {};
  const values = { http: httpProxy, https: httpsProxy, ftp: ftpProxy, no: noProxy, all: allProxy };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined
        ? []
        : [
            [`${name.toUpperCase()}_PROXY`, value],
            [`${name}_proxy`, value],
          ],
    ),
  );
}
