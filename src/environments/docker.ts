import type { Tag } from '../core/entities.ts';
import { MltsError } from '../core/errors.ts';
import { readCaller } from '../host/caller.ts';
import type { Context } from '../host/context.ts';
import { readDockerConfig, readProxyVariables } from '../host/docker/config.ts';
import { connectDocker } from '../host/docker/daemon.ts';
import { findHostAddress } from '../host/docker/host-address.ts';
import { findImage } from '../host/docker/images.ts';
import { readTextFile } from '../host/text-file.ts';
import {
  type BuiltImage,
  buildProjectImage,
  ensureEnvironmentImage,
  nameEnvironmentImage,
} from '../images/build.ts';
import { nameProjectImage } from '../images/dockerfile.ts';
import { ensureImage, type ImageWork } from '../images/pull.ts';
import { type DockerSettings, mergeSettings, parseDockerArguments } from './docker-arguments.ts';
import { findCredentialFiles } from './docker-credentials.ts';
import type { DockerEnvironment } from './docker-environment.ts';
import { type ContainerPlan, describeLaunch, describeOwner } from './docker-launch.ts';
import { readVolume } from './docker-options.ts';
import { createRecipe } from './docker-recipe.ts';
import { parseEnvironmentFile, readDockerVariables } from './docker-variables.ts';
import type { Environment, EnvironmentSource, EnvironmentState } from './environment.ts';
import { readSpecification } from './specification.ts';

export interface DockerOptions {
  /** The project's name, for the image's name with `buildImage`. */
  readonly project: string | undefined;
  /** Absolute; the project's folder. */
  readonly directory: string;
  /** Full hash, for the image's tag with `buildImage`; undefined outside of git. */
  readonly commit: string | undefined;
  /** Undefined: an image is made from `source`. */
  readonly docker: DockerEnvironment | undefined;
  readonly source: EnvironmentSource;
  /** The project's code goes into an image of its own, instead of being mounted. */
  readonly buildImage: boolean;
  /** `-A`: options of `docker run` by name. */
  readonly dockerArguments: ReadonlyMap<string, string | true>;
  /** Set by the user for the command (`--env`, `--env-file`). */
  readonly variables: Readonly<Record<string, string>>;
}

const MAX_ENVIRONMENT_FILE_BYTES = 1_000_000;

/**
 * A project in a container: in the image of its `docker_env`, pulled if absent, or in one made from its
 * python_env or conda.yaml (`mlflow/projects/docker.py`). Its folder is mounted at /mlflow/projects/code,
 * where MLflow leaves the code out, and is the working directory.
 *
 * @throws InvalidInputs for bad `-A` arguments, InvalidInput for bad volumes and for variables that are
 * to be copied and are not set: before anything is asked of a daemon.
 */
export function createDockerEnvironment(options: DockerOptions, context: Context): Environment {
  const settings = readSettings(options, context);
  return {
    async check() {
      if (options.docker === undefined) await readSpecification(options.source);
    },
    inspect: () => inspectEnvironment(options, context),
    async prepare(signal) {
      const docker = await connectDocker(context.env);
      const work = { docker, context, signal, platform: settings.platform };
      const image = await prepareImage(options, work);
      const plan = await planContainer(image, settings, options, work);
      return {
        tags: describeTags(image),
        findHost: () => findHostAddress(docker, String(settings.hostConfig.NetworkMode ?? '')),
        launch: describeLaunch.bind(undefined, plan),
      };
    },
  };
}

/** `docker_env` and `--env` first, then `-A`, which is nearest to the user. */
function readSettings(options: DockerOptions, { env }: Context): DockerSettings {
  const { docker, directory } = options;
  const place = { directory, env };
  const declared: DockerSettings = {
    container: {},
    hostConfig: {},
    mounts: [],
    env: { ...readDockerVariables(docker?.environment ?? [], env), ...options.variables },
  };
  const volumes = (docker?.volumes ?? []).map((volume) => readVolume(volume, place));
  return [...volumes, parseDockerArguments(options.dockerArguments, place)].reduce(
    mergeSettings,
    declared,
  );
}

async function prepareImage(options: DockerOptions, work: ImageWork): Promise<BuiltImage> {
  const base = await prepareBaseImage(options, work);
  if (!options.buildImage) return base;
  const recipe = {
    baseImage: base.name,
    tag: nameProjectImage(options.project, options.commit),
    owner: describeOwner(readCaller(), work.docker.isRootless),
  };
  return buildProjectImage(recipe, options.directory, work);
}

async function prepareBaseImage(options: DockerOptions, work: ImageWork): Promise<BuiltImage> {
  const { docker, source } = options;
  if (docker !== undefined) {
    return { name: docker.image, ...(await ensureImage(docker.image, work)) };
  }
  const specification = await readSpecification(source);
  for (const warning of specification.warnings) work.context.terminal.warn(warning);
  return ensureEnvironmentImage(await createRecipe(specification, source, work.context.env), work);
}

async function planContainer(
  image: BuiltImage,
  settings: DockerSettings,
  options: DockerOptions,
  { docker, context }: ImageWork,
): Promise<ContainerPlan> {
  const { env, cwd } = context;
  const fileEnv = await readEnvironmentFile(settings.environmentFile, context);
  return {
    // By id: another run may give the name to an image of its own in the meantime.
    image: options.buildImage ? image.id : image.name,
    code: options.buildImage ? undefined : options.directory,
    cwd,
    settings,
    env: { ...readProxyVariables(await readDockerConfig(env)), ...fileEnv },
    credentialFiles: await findCredentialFiles(env),
    caller: readCaller(),
    isRootless: docker.isRootless,
  };
}

async function readEnvironmentFile(
  path: string | undefined,
  { env }: Context,
): Promise<Record<string, string>> {
  if (path === undefined) return {};
  return parseEnvironmentFile(await readTextFile(path, MAX_ENVIRONMENT_FILE_BYTES), env);
}

/** As MLflow's `build_docker_image` tags the run. */
function describeTags({ name, id }: BuiltImage): readonly Tag[] {
  return [
    { key: 'mlflow.project.env', value: 'docker' },
    { key: 'mlflow.docker.image.uri', value: name },
    { key: 'mlflow.docker.image.id', value: id },
  ];
}

async function inspectEnvironment(
  options: DockerOptions,
  context: Context,
): Promise<EnvironmentState> {
  const base = await describeBaseImage(options, context);
  const { project, commit, buildImage } = options;
  const location = buildImage ? nameProjectImage(project, commit) : base.location;
  const presence = await lookForImage(location, context);
  return {
    ...base,
    manager: 'docker',
    // The project may have changed since that image was built.
    state: presence.isPresent && !buildImage ? 'cached' : 'missing',
    location,
    warnings: [...base.warnings, ...presence.warnings],
  };
}

async function describeBaseImage(
  { docker, source }: DockerOptions,
  { env }: Context,
): Promise<Omit<EnvironmentState, 'manager' | 'state'> & { readonly location: string }> {
  if (docker !== undefined) {
    return { location: docker.image, python: undefined, dependencies: [], warnings: [] };
  }
  const specification = await readSpecification(source);
  const { python, dependencies, warnings } = specification;
  const location = nameEnvironmentImage(await createRecipe(specification, source, env));
  return { location, python, dependencies, warnings };
}

/** A plan can be shown without a daemon; that none answers is a warning then. */
async function lookForImage(
  name: string,
  { env }: Context,
): Promise<{ readonly isPresent: boolean; readonly warnings: readonly string[] }> {
  try {
    const docker = await connectDocker(env);
    const remote = `Docker runs on another machine (${docker.address}): the project's folder and local stores cannot be mounted there`;
    return {
      isPresent: (await findImage(docker, name)) !== undefined,
      warnings: docker.isLocal ? [] : [remote],
    };
  } catch (error) {
    if (!(error instanceof MltsError)) throw error;
    return { isPresent: false, warnings: [error.message] };
  }
}
