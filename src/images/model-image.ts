import { createHash } from 'node:crypto';
import { type BuildEntry, digestEntries, packEntries } from '../host/docker/build-entries.ts';
import { readDockerConfig, readProxyVariables } from '../host/docker/config.ts';
import {
  buildImage,
  describeImage,
  type ImageLayer,
  pruneImages,
  pushImage,
  tagImage,
} from '../host/docker/images.ts';
import { withImageLock } from './build.ts';
import { findCredentials } from './credentials.ts';
import {
  IMAGE_LABELS,
  type ModelImageRecipe,
  PACKAGES_STAGE,
  renderModelDockerfile,
  renderPackages,
} from './model-dockerfile.ts';
import { ensureImage, type ImageWork } from './pull.ts';

export interface ModelImageOrder {
  /** The first is that by which it is built. */
  readonly names: readonly [string, ...string[]];
  readonly recipe: ModelImageRecipe;
  /** What the Dockerfile copies. */
  readonly entries: readonly BuildEntry[];
  readonly buildArguments: Readonly<Record<string, string>>;
  readonly secrets: ReadonlyMap<string, Buffer>;
}

export interface ModelImage {
  readonly names: readonly string[];
  /** `sha256:...` */
  readonly id: string;
  readonly contextDigest: string;
  readonly sizeBytes: number;
  /** The newest first. */
  readonly layers: readonly ImageLayer[];
}

const DOCKERFILE = 'Dockerfile';

/** All files of an image's context, its Dockerfile among them. */
export function listContext(
  recipe: ModelImageRecipe,
  entries: readonly BuildEntry[],
): readonly BuildEntry[] {
  return [{ path: DOCKERFILE, content: { text: renderModelDockerfile(recipe) } }, ...entries];
}

/**
 * Builds a model image and gives it its names. A failed or interrupted build leaves no image behind.
 *
 * @throws ToolError with the step that failed; Unavailable, PERMISSION_DENIED where Docker may not be used.
 */
export async function buildModelImage(
  order: ModelImageOrder,
  work: ImageWork,
): Promise<ModelImage> {
  const [name, ...others] = order.names;
  await ensureImage(order.recipe.baseImage, work);
  return withImageLock(name, work, async () => {
    const contextDigest = await buildStages(order, work);
    for (const other of others) await tagImage(work.docker, name, other);
    const { id, sizeBytes, layers } = await describeImage(work.docker, name);
    return { names: order.names, id, contextDigest, sizeBytes, layers };
  });
}

/** The digest of its context. */
async function buildStages(order: ModelImageOrder, work: ImageWork): Promise<string> {
  const [name] = order.names;
  const digest = await digestEntries(listContext(order.recipe, order.entries));
  const stage = digest.slice('sha256:'.length, 'sha256:'.length + 16);
  const labels = {
    ...order.recipe.labels,
    'mlts.context': digest,
    [IMAGE_LABELS.image]: name,
    [IMAGE_LABELS.stage]: stage,
  };
  const labelled = { ...order, recipe: { ...order.recipe, labels } };
  try {
    await buildPackages(labelled, work);
    await build(labelled, { tag: name }, work);
  } catch (error) {
    await pruneImages(work.docker, `${IMAGE_LABELS.stage}=${stage}`);
    throw error;
  }
  // What had this name before; an hour spares the image that somebody is about to start.
  await pruneImages(work.docker, `${IMAGE_LABELS.image}=${name}`, '1h');
  return digest;
}

/**
 * The classic builder forgets the layers of a stage that has no name: packages would be installed again
 * for each build. BuildKit keeps them by itself.
 */
async function buildPackages(order: ModelImageOrder, work: ImageWork): Promise<void> {
  if (order.recipe.buildKit !== undefined || order.recipe.packages === 'at-start') return;
  const entries = order.entries.filter(({ path }) => path.startsWith('requirements/'));
  const key = createHash('sha256')
    .update(JSON.stringify([renderPackages(order.recipe), await digestEntries(entries)]))
    .digest('hex')
    .slice(0, 16);
  await build(
    { ...order, entries },
    { tag: `mlts-model-packages:${key}`, target: PACKAGES_STAGE },
    work,
  );
}

async function build(
  { recipe, entries, buildArguments, secrets }: ModelImageOrder,
  { tag, target }: { readonly tag: string; readonly target?: string },
  { docker, context, signal, platform }: ImageWork,
): Promise<void> {
  const { terminal, env } = context;
  terminal.note(
    target === undefined ? `building image ${tag}` : 'installing the packages of the model',
  );
  await buildImage(docker, await packEntries(listContext(recipe, entries)), {
    tag,
    target,
    dockerfile: DOCKERFILE,
    buildArguments: { ...readProxyVariables(await readDockerConfig(env)), ...buildArguments },
    buildKit:
      recipe.buildKit === undefined
        ? undefined
        : { secrets, findCredentials: (host) => findCredentials(`${host}/image`, env) },
    platform,
    signal,
    onLine: (line) => terminal.note(terminal.style.dim(line)),
  });
}

/** Sends the image to the registries of all of its names. @throws ToolError where one refuses it. */
export async function pushModelImage({ names }: ModelImage, work: ImageWork): Promise<void> {
  const { docker, context, signal } = work;
  for (const name of names) {
    const credentials = await findCredentials(name, context.env);
    await context.terminal.progress(`pushing image ${name}`, (update) => {
      const onProgress = (done: number, total: number): void =>
        update(
          `pushing image ${name}: ${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`,
        );
      return pushImage(docker, name, { platform: undefined, credentials, signal, onProgress });
    });
    context.terminal.note(`pushed ${name}`);
  }
}
