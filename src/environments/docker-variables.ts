import type { Env } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import type { DockerEnvironment } from './docker-environment.ts';

/**
 * The `environment` of a `docker_env`: names are copied from ours, pairs are set.
 *
 * @throws InvalidInput with all names that are not set here.
 */
export function readDockerVariables(
  environment: DockerEnvironment['environment'],
  env: Env,
): Readonly<Record<string, string>> {
  const entries = environment.map((entry): readonly [string, string | undefined] =>
    typeof entry === 'string' ? [entry, env[entry]] : entry,
  );
  const missing = entries.filter(([, value]) => value === undefined).map(([name]) => name);
  if (missing.length > 0) {
    const names = missing.map((name) => `\`${name}\``).join(', ');
    throw new InvalidInput(`docker_env copies ${names} from the environment, not set here`, {
      hint: `set ${missing.length === 1 ? 'it' : 'them'}: \`export ${missing[0]}=...\``,
    });
  }
  return Object.fromEntries(entries as [string, string][]);
}

/** The lines of a `--env-file` as the docker command reads them: `NAME=value`, `NAME` copies, no quotes. */
export function parseEnvironmentFile(text: string, env: Env): Record<string, string> {
  const lines = text.split(/\r?\n/).map((line) => line.trimStart());
  const entries = lines.flatMap((line): [string, string][] => {
    if (line === '' || line.startsWith('#')) return [];
    const [name = '', ...value] = line.split('=');
    if (value.length > 0) return [[name, value.join('=')]];
    const ours = env[name.trim()];
    return ours === undefined ? [] : [[name.trim(), ours]];
  });
  return Object.fromEntries(entries);
}
