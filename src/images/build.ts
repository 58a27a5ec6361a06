import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pickVariables } from '../core/environment-variables.ts';
import { packBuildContext } from '../host/docker/build-context.ts';
import { readDockerConfig, readProxyVariables } from '../host/docker/config.ts';
import { buildImage, findImage, type ImageDetails, pruneImages } from '../host/docker/images.ts';
import { cacheDirectory, readTextIfPresent, withLock } from '../host/files.ts';
import {
  CERTIFICATE_PATH,
  type EnvironmentRecipe,
  LABELS,
  PIP_ARGUMENTS,
  type ProjectRecipe,
  renderEnvironmentDockerfile,
  renderProjectDockerfile,
  renderRequirements,
} from './dockerfile.ts';
import { ensureImage, type ImageWork, requireImage } from './pull.ts';

export interface BuiltImage extends ImageDetails {
  /** `mlts-project:0123456789abcdef` */
  readonly name: string;
}

const KEY_LENGTH = 16;
const DOCKERFILE = 'Dockerfile';

/** The name of an environment's image: two recipes share it only if they make the same image. */
export function nameEnvironmentImage(recipe: EnvironmentRecipe): string {
  return `mlts-project:${hashRecipe(recipe)}`;
}

/**
 * The image of a Python environment, built unless it is there. Whoever needs the same one at the same
 * time waits for one build; a failed or interrupted build leaves nothing behind.
 *
 * @throws ToolError with the step that failed.
 */
export async function ensureEnvironmentImage(
  recipe: EnvironmentRecipe,
  work: ImageWork,
): Promise<BuiltImage> {
  const name = nameEnvironmentImage(recipe);
  const present = await findImage(work.docker, name);
  if (present !== undefined) return { name, ...present };
  return withImageLock(name, work, async () => {
    const other = await findImage(work.docker, name);
    if (other === undefined) await buildEnvironmentImage(recipe, name, work);
    return { name, ...(other ?? (await requireImage(name, work.docker))) };
  });
}

async function buildEnvironmentImage(
  recipe: EnvironmentRecipe,
  name: string,
  work: ImageWork,
): Promise<void> {
  const key = hashRecipe(recipe);
  const { env } = work.context;
  await ensureImage(recipe.baseImage, work);
  const certificates = env.PIP_CERT ? await readTextIfPresent(env.PIP_CERT) : undefined;
  const files = {
    [DOCKERFILE]: renderEnvironmentDockerfile(recipe, key),
    ...listRequirementFiles(recipe),
    ...(certificates === undefined ? {} : { 'pip/certificates.pem': certificates }),
  };
  const pip = { ...pickVariables(env, PIP_ARGUMENTS), PIP_CERT: CERTIFICATE_PATH };
  const { PIP_CERT, ...withoutCertificate } = pip;
  try {
    const buildArguments = certificates === undefined ? withoutCertificate : pip;
    await build({ name, files, folder: undefined, buildArguments }, work);
  } finally {
    await pruneImages(work.docker, `${LABELS.stage}=${key}`);
  }
}

/**
 * Puts the project's folder into an image on top of `recipe.baseImage`, under `recipe.tag`. Docker's
 * layer cache makes it quick where nothing has changed.
 *
 * @throws ToolError with the step that failed.
 */
export async function buildProjectImage(
  recipe: ProjectRecipe,
  directory: string,
  work: ImageWork,
): Promise<BuiltImage> {
  const name = recipe.tag;
  await ensureImage(recipe.baseImage, work);
  return withImageLock(name, work, async () => {
    const files = { [DOCKERFILE]: renderProjectDockerfile(recipe) };
    const folder = { source: directory, target: 'code' };
    await build({ name, files, folder, buildArguments: {} }, work);
    // What had this name before; an hour spares the image that a run beside us is about to start.
    await pruneImages(work.docker, `${LABELS.project}=${name}`, '1h');
    return { name, ...(await requireImage(name, work.docker)) };
  });
}

interface Build {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly folder: { readonly source: string; readonly target: string } | undefined;
  readonly buildArguments: Readonly<Record<string, string>>;
}

async function build(
  { name, files, folder, buildArguments }: Build,
  work: ImageWork,
): Promise<void> {
  const { docker, context, signal, platform } = work;
  const { terminal } = context;
  terminal.note(`building image ${name}`);
  await buildImage(docker, await packBuildContext({ files, folder }), {
    tag: name,
    dockerfile: DOCKERFILE,
    buildArguments: {
      ...readProxyVariables(await readDockerConfig(context.env)),
      ...buildArguments,
    },
    platform,
    signal,
    onLine: (line) => terminal.note(terminal.style.dim(line)),
  });
}

/** Whoever builds an image of that name at the same time waits. */
export function withImageLock<T>(
  name: string,
  work: ImageWork,
  make: () => Promise<T>,
): Promise<T> {
  const { context, signal } = work;
  const file = `image-${name.replace(/[^\w.-]/g, '_')}.lock`;
  const onWait = (): void => context.terminal.note(`waiting for another build of image ${name}`);
  return withLock(join(cacheDirectory(context.env), 'locks', file), { signal, onWait }, make);
}

function hashRecipe(recipe: EnvironmentRecipe): string {
  const content = [renderEnvironmentDockerfile(recipe, ''), listRequirementFiles(recipe)];
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return digest.slice(0, KEY_LENGTH);
}

function listRequirementFiles(recipe: EnvironmentRecipe): Record<string, string> {
  return {
    'pip/build.txt': renderRequirements(recipe.buildDependencies),
    'pip/requirements.txt': renderRequirements(recipe.dependencies),
    'pip/constraints.txt': renderRequirements(recipe.constraints),
  };
}
