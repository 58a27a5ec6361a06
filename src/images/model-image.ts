import { createHash } from 'node:crypto';
import { redactUrls } from '../core/redact.ts';
import { type BuildEntry, digestEntries, packEntries } from '../host/docker/build-entries.ts';
import { readDockerConfig, readProxyVariables } from '../host/docker/config.ts';
import {
  describeImage,
  type ImageDescription,
  listRegistryNames,
} from '../host/docker/image-contents.ts';
import { buildImage, findImage, pruneImages, tagImage } from '../host/docker/images.ts';
import { pushImage } from '../host/docker/push.ts';
import { withImageLock } from './build.ts';
import { findCredentials } from './credentials.ts';
import {
  DOCKERFILE,
  IMAGE_LABELS,
  type ModelImageRecipe,
  renderLastDockerfile,
  renderSharedDockerfile,
  toDockerfile,
} from './model-dockerfile.ts';
import { ensureImage, type ImageWork, toMegabytes } from './pull.ts';

export interface ModelImageOrder {
  /** The first is that by which it is built. */
  readonly names: readonly [string, ...string[]];
  readonly recipe: ModelImageRecipe;
  /** What the Dockerfile copies. */
  readonly entries: readonly BuildEntry[];
  readonly buildArguments: Readonly<Record<string, string>>;
  readonly secrets: ReadonlyMap<string, Buffer>;
  /** Nothing of an earlier build is used. */
  readonly forgetsCache: boolean;
}

export interface ModelImage extends ImageDescription {
  readonly names: readonly string[];
  /** Of all that was given to the builder: the same for the same model. */
  readonly contextDigest: string;
}

const KEY_LENGTH = 16;

/**
 * Builds a model image and gives it its names: first what many models share (packages and server), unless this
 * daemon has it, then the model on top, whose files are all that is sent then. A failed or interrupted
 * build leaves no image behind.
 *
 * @throws ToolError with the step that failed; Unavailable, PERMISSION_DENIED where Docker may not be used.
 */
export async function buildModelImage(
  order: ModelImageOrder,
  work: ImageWork,
): Promise<ModelImage> {
  const [name, ...others] = order.names;
  const shared = await ensureSharedImage(order, work);
  return withImageLock(name, work, async () => {
    const contextDigest = await buildLast(order, shared, work);
    for (const other of others) await tagImage(work.docker, name, other);
    return { names: order.names, contextDigest, ...(await describeImage(work.docker, name)) };
  });
}

const isModelFile = ({ path }: BuildEntry): boolean => path.startsWith('model/');

/** The name of the image with all but the model. Whoever needs the same one at the same time waits for one build. */
async function ensureSharedImage(order: ModelImageOrder, work: ImageWork): Promise<string> {
  const { docker } = work;
  const base = await ensureImage(order.recipe.baseImage, work);
  const entries = order.entries.filter((entry) => !isModelFile(entry));
  const key = await hashShared(order, entries, base.id, work.platform);
  const name = `mlts-model-base:${key}`;
  return withImageLock(name, work, async () => {
    const isThere = !order.forgetsCache && (await findImage(docker, name)) !== undefined;
    if (isThere) return name;
    const dockerfile = renderSharedDockerfile(order.recipe, key);
    work.context.terminal.note('installing the packages of the model');
    try {
      await build({ name, dockerfile, entries }, order, work);
    } finally {
      await pruneImages(docker, `${IMAGE_LABELS.stage}=${key}`);
    }
    return name;
  });
}

/** Without passwords in addresses: a new token makes no other image. */
async function hashShared(
  { recipe, buildArguments }: ModelImageOrder,
  entries: readonly BuildEntry[],
  baseId: string,
  platform: string | undefined,
): Promise<string> {
  const content = [
    renderSharedDockerfile(recipe, ''),
    await digestEntries(entries),
    baseId,
    platform ?? '',
    Object.entries(buildArguments).map(([name, value]) => [name, redactUrls(value)]),
  ];
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return digest.slice(0, KEY_LENGTH);
}

/** The digest of the whole context. */
async function buildLast(order: ModelImageOrder, shared: string, work: ImageWork): Promise<string> {
  const [name] = order.names;
  const entries = order.entries.filter(isModelFile);
  const dockerfile = renderLastDockerfile(order.recipe, shared);
  const digest = await digestEntries([toDockerfile(dockerfile), ...entries]);
  const own = { [IMAGE_LABELS.context]: digest, [IMAGE_LABELS.image]: name };
  const labels = { ...order.recipe.labels, ...own };
  const labelled = renderLastDockerfile({ ...order.recipe, labels }, shared);
  work.context.terminal.note(`building image ${name}`);
  try {
    await build({ name, dockerfile: labelled, entries }, { ...order, buildArguments: {} }, work);
  } catch (error) {
    await pruneImages(work.docker, `${IMAGE_LABELS.context}=${digest}`);
    throw error;
  }
  // What had this name before; an hour spares the image that somebody is about to start.
  await pruneImages(work.docker, `${IMAGE_LABELS.image}=${name}`, '1h');
  return digest;
}

interface Build {
  readonly name: string;
  readonly dockerfile: string;
  readonly entries: readonly BuildEntry[];
}

async function build(
  { name, dockerfile, entries }: Build,
  { recipe, buildArguments, secrets, forgetsCache }: ModelImageOrder,
  { docker, context, signal, platform }: ImageWork,
): Promise<void> {
  const { terminal, env } = context;
  await buildImage(docker, await packEntries([toDockerfile(dockerfile), ...entries]), {
    tag: name,
    dockerfile: DOCKERFILE,
    buildArguments: { ...readProxyVariables(await readDockerConfig(env)), ...buildArguments },
    buildKit:
      recipe.buildKit === undefined
        ? undefined
        : { secrets, findCredentials: (host) => findCredentials(`${host}/image`, env) },
    forgetsCache,
    platform,
    signal,
    onLine: (line) => terminal.note(terminal.style.dim(line)),
  });
}

/**
 * Sends the image to the registries of all of its names. Returns what it is called there: `NAME@sha256:...`.
 *
 * @throws ToolError where one refuses it.
 */
export async function pushModelImage(
  { id, names }: ModelImage,
  work: ImageWork,
): Promise<readonly string[]> {
  for (const name of names) await pushName(name, work);
  return listRegistryNames(work.docker, id);
}

async function pushName(name: string, { docker, context, signal }: ImageWork): Promise<void> {
  const credentials = await findCredentials(name, context.env);
  await context.terminal.progress(`pushing image ${name}`, (update) => {
    const onProgress = (doneBytes: number, totalBytes: number): void =>
      update(`pushing image ${name}: ${toMegabytes(doneBytes)} of ${toMegabytes(totalBytes)} MB`);
    return pushImage(docker, name, { platform: undefined, credentials, signal, onProgress });
  });
  context.terminal.note(`pushed ${name}`);
}
