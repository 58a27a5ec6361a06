import type { Env } from '../core/environment-variables.ts';
import { ToolError } from '../core/errors.ts';
import { type DockerConfig, readDockerConfig } from '../host/docker/config.ts';
import type { RegistryCredentials } from '../host/docker/images.ts';
import { tryTool } from '../host/tool.ts';

/** Docker Hub's name in config.json and towards credential helpers. */
const DOCKER_HUB = 'https://index.docker.io/v1/';

/** The registry of an image's name: what stands before the first `/`, if it looks like a host. */
export function findRegistry(image: string): string {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : DOCKER_HUB;
}

/**
 * What `docker login` has kept for the image's registry: in a credential helper
 * (`docker-credential-...` on PATH) or in config.json; undefined where there is nothing.
 *
 * @throws ToolError where the helper fails.
 */
export async function findCredentials(
  image: string,
  env: Env,
): Promise<RegistryCredentials | undefined> {
  const config = await readDockerConfig(env);
  const registry = findRegistry(image);
  const helper = config.credHelpers?.[registry] ?? config.credsStore;
  const kept = helper ? await askHelper(helper, registry, env) : undefined;
  return kept ?? readAuths(config, registry);
}

async function askHelper(
  helper: string,
  registry: string,
  env: Env,
): Promise<RegistryCredentials | undefined> {
  const program = `docker-credential-${helper}`;
  const { stdout, stderr, exitCode } = await tryTool(program, ['get'], { env, input: registry });
  if (exitCode !== 0) {
    if (/credentials not found/i.test(stdout + stderr)) return undefined;
    throw new ToolError(`\`${program}\` has no credentials for ${registry}: ${stdout || stderr}`, {
      hint: `run \`docker login ${registry}\` again`,
    });
  }
  const { Username, Secret } = readHelperAnswer(program, stdout);
  // The helpers' own convention for a token that is no password.
  if (Username === '<token>') return { identitytoken: Secret, serveraddress: registry };
  return { username: Username, password: Secret, serveraddress: registry };
}

function readHelperAnswer(program: string, stdout: string): { Username: string; Secret: string } {
  try {
    return JSON.parse(stdout) as { Username: string; Secret: string };
  } catch {
    // Without the cause, which quotes what may be a secret.
    throw new ToolError(`\`${program} get\` did not answer in JSON`, {
      hint: 'run `docker login` again',
    });
  }
}

function readAuths(config: DockerConfig, registry: string): RegistryCredentials | undefined {
  const found = Object.entries(config.auths ?? {}).find(
    ([address]) => toHost(address) === toHost(registry),
  )?.[1];
  if (found?.identitytoken) {
    return { identitytoken: found.identitytoken, serveraddress: registry };
  }
  if (!found?.auth) return undefined;
  const [username = '', ...password] = Buffer.from(found.auth, 'base64').toString().split(':');
  return { username, password: password.join(':'), serveraddress: registry };
}

/** Old entries are URLs: `https://registry.example/v1/`. */
function toHost(address: string): string {
  return address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}
