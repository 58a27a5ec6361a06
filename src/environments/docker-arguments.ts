import type { Env } from '../core/environment-variables.ts';
import { InvalidInput, InvalidInputs, MltsError } from '../core/errors.ts';
import type { Mount } from '../core/launch.ts';
import { DOCKER_OPTIONS, type DockerOption } from './docker-options.ts';
import { parseSwitch } from './docker-quantity.ts';

/** What `docker run` options ask for, in the Engine API's words where they concern only the daemon. */
export interface DockerSettings {
  /** Top level of the container-create body. */
  readonly container: Readonly<Record<string, unknown>>;
  readonly hostConfig: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly environmentFile?: string;
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly platform?: string;
}

/** Where the options are read: relative paths start in the project's folder, as `mlflow run` starts docker there. */
export interface DockerArgumentPlace {
  readonly directory: string;
  readonly env: Env;
}

const NOTHING: DockerSettings = { container: {}, hostConfig: {}, env: {}, mounts: [] };

/**
 * Translates `-A name=value` and `-A name`, which mean `docker run --name value`, for the Engine API.
 *
 * @throws InvalidInputs with every unknown option and every bad value.
 */
export function parseDockerArguments(
  dockerArguments: ReadonlyMap<string, string | true>,
  place: DockerArgumentPlace,
): DockerSettings {
  const problems: MltsError[] = [];
  let settings = NOTHING;
  for (const [name, value] of dockerArguments) {
    try {
      settings = mergeSettings(settings, readOption(name, value, place));
    } catch (error) {
      if (!(error instanceof MltsError)) throw error;
      problems.push(error);
    }
  }
  if (problems.length > 0) throw new InvalidInputs(problems);
  return settings;
}

function readOption(
  name: string,
  value: string | true,
  place: DockerArgumentPlace,
): Partial<DockerSettings> {
  const option = DOCKER_OPTIONS.find(({ names }) => names.includes(name));
  if (option === undefined) throw unknownOption(name);
  try {
    return applyOption(option, value, place);
  } catch (error) {
    if (!(error instanceof MltsError)) throw error;
    throw new InvalidInput(`-A ${name}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

function applyOption(
  option: DockerOption,
  value: string | true,
  place: DockerArgumentPlace,
): Partial<DockerSettings> {
  if (option.kind === 'switch') return option.apply(value === true || parseSwitch(value));
  if (value !== true) return option.apply(value, place);
  throw new InvalidInput('needs a value', { hint: `write it as \`-A ${option.names[0]}=VALUE\`` });
}

function unknownOption(name: string): InvalidInput {
  const known = DOCKER_OPTIONS.map(({ names }) => names[0]).join(', ');
  return new InvalidInput(`-A ${name}: not an option of \`docker run\` that mlts knows`, {
    hint: `known are ${known}`,
  });
}

/** What both ask for; where only one can have its way, the addition. */
export function mergeSettings(
  settings: DockerSettings,
  addition: Partial<DockerSettings>,
): DockerSettings {
  return merge(settings, addition);
}

/** Lists grow and records are joined, as `-v` and `--volume` may both be given; else the last one counts. */
function merge<T extends object>(settings: T, addition: Partial<T>): T {
  const merged = Object.entries(addition).map(([key, added]) => {
    const present = (settings as Record<string, unknown>)[key];
    if (Array.isArray(present) && Array.isArray(added)) return [key, [...present, ...added]];
    if (isRecord(present) && isRecord(added)) return [key, merge(present, added)];
    return [key, added];
  });
  return { ...settings, ...Object.fromEntries(merged) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
