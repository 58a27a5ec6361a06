import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { NotFound, ToolError } from '../../core/errors.ts';
import { BuildOutputReader } from './build-output.ts';
import { type BuildSessionOptions, openBuildSession } from './build-session.ts';
import type { Docker } from './daemon.ts';
import { followLayers, readEvents, runStream } from './daemon-stream.ts';
import { explainDockerError, FREE_SPACE } from './error.ts';

export interface ImageDetails {
  /** `sha256:...` */
  readonly id: string;
}

/** A user's name and password for one registry, or a token that stands for both. */
export interface RegistryCredentials {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly serveraddress: string;
}

export interface PullOptions {
  readonly platform: string | undefined;
  readonly credentials: RegistryCredentials | undefined;
  readonly signal: AbortSignal;
  /** Bytes so far over all layers whose size is known. */
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

export interface BuildOptions {
  /** Name and tag that the image gets. */
  readonly tag: string;
  /** Nothing of an earlier build is used. */
  readonly forgetsCache?: boolean;
  /** Undefined: the classic builder. */
  readonly buildKit?: BuildSessionOptions | undefined;
  /** Path of the Dockerfile in the context. */
  readonly dockerfile: string;
  readonly buildArguments: Readonly<Record<string, string>>;
  readonly platform: string | undefined;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** The local image of that name or id, or undefined. */
export async function findImage(docker: Docker, name: string): Promise<ImageDetails | undefined> {
  try {
    return { id: (await docker.engine.getImage(name).inspect()).Id };
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw explainDockerError(error, { action: 'look at', subject: `image ${name}` });
  }
}

/**
 * Pulls an image from its registry.
 *
 * @throws NotFound where the registry has no such image or does not show it to us, ToolError for other
 * refusals, also those that come in the middle of the stream. @throws `signal.reason` when aborted.
 */
export async function pullImage(docker: Docker, name: string, options: PullOptions): Promise<void> {
  await runStream({ action: 'pull', subject: `image ${name}` }, options.signal, async () => {
    const stream = await docker.engine.pull(hasTag(name) ? name : `${name}:latest`, {
      ...(options.credentials === undefined ? {} : { authconfig: options.credentials }),
      ...(options.platform === undefined ? {} : { platform: options.platform }),
      abortSignal: options.signal,
    });
    await followLayers(stream, 'Downloading', options.onProgress, (text) => pullError(name, text));
  }).catch((error: unknown) => {
    throw options.signal.aborted ? error : pullError(name, (error as Error).message, error);
  });
}

/**
 * Builds an image from a tar stream with the daemon's own builder; its output goes to `onLine`.
 *
 * @throws ToolError with the step that failed. @throws `signal.reason` when aborted; the build is ended.
 */
export async function buildImage(
  docker: Docker,
  context: Readable,
  options: BuildOptions,
): Promise<void> {
  let step = '';
  const reader = new BuildOutputReader();
  const session =
    options.buildKit === undefined ? undefined : await openBuildSession(docker, options.buildKit);
  await runStream(
    { action: 'build', subject: `image ${options.tag}` },
    options.signal,
    async () => {
      const stream = await docker.engine.buildImage(context, {
        t: options.tag,
        dockerfile: options.dockerfile,
        buildargs: options.buildArguments,
        rm: true,
        forcerm: true,
        ...(options.forgetsCache === true ? { nocache: true } : {}),
        // A number, as dockerode would open a session of its own for the text.
        ...(session === undefined ? {} : { version: 2, session: session.id }),
        ...(options.platform === undefined ? {} : { platform: options.platform }),
        abortSignal: options.signal,
      } as unknown as Dockerode.ImageBuildOptions);
      for await (const event of readEvents(stream)) {
        for (const output of await reader.read(event)) {
          if (output.kind === 'failed') throw buildError(options.tag, step, output.text);
          if (output.kind === 'step') step = output.text;
          options.onLine(output.text);
        }
      }
    },
  ).finally(() => session?.close());
}

/** Gives the image another name. */
export async function tagImage({ engine }: Docker, name: string, other: string): Promise<void> {
  const [, repo = other, tag = 'latest'] = /^(.+?)(?::([^:/]+))?$/.exec(other) ?? [];
  await engine
    .getImage(name)
    .tag({ repo, tag })
    .catch((error: unknown) => {
      throw explainDockerError(error, { action: 'name', subject: `image ${other}` });
    });
}

/** How long the daemon may take to let go of what an interrupted build was using. */
const PRUNE_PATIENCE_MS = 15_000;

/**
 * Removes images without a name that carry the label, all of them or those older than `age` (`1h`).
 * An interrupted build's container holds its image for a moment longer: those are tried again.
 */
export async function pruneImages(docker: Docker, label: string, age?: string): Promise<void> {
  const wanted = { dangling: ['true'], label: [label] };
  const filters = JSON.stringify(age === undefined ? wanted : { ...wanted, until: [age] });
  const { engine } = docker;
  for (const deadline = Date.now() + PRUNE_PATIENCE_MS; ; await sleep(250)) {
    // Nothing depends on it: another prune may be running, podman knows fewer filters.
    await engine.pruneImages({ filters }).catch(() => {});
    if (age !== undefined || Date.now() >= deadline) return;
    const left = await engine.listImages({ filters: JSON.stringify(wanted) }).catch(() => []);
    if (left.length === 0) return;
  }
}

function pullError(name: string, text: string, cause?: unknown): Error {
  if (/unauthorized|denied|authentication required|no basic auth|forbidden/i.test(text)) {
    return new NotFound(`the registry does not give us image ${name}: ${text}`, {
      hint: 'check the name, and `docker login` to its registry',
      cause,
    });
  }
  if (/manifest unknown|not found|no matching manifest/i.test(text)) {
    return new NotFound(`there is no image ${name}: ${text}`, {
      hint: 'check name, tag and platform, or build the image on this machine',
      cause,
    });
  }
  if (cause !== undefined && cause instanceof Error && !(cause instanceof ToolError)) return cause;
  return new ToolError(`image ${name} is not on this machine and cannot be pulled: ${text}`, {
    hint: 'check the network and the registry, or `docker load` the image',
    cause,
  });
}

function buildError(tag: string, step: string, text: string): ToolError {
  const isFull = /no space left on device/i.test(text);
  const reason = isFull ? `Docker's disk is full: ${text}` : text;
  return new ToolError(`building image ${tag} failed at \`${step}\`: ${reason}`, {
    hint: isFull ? FREE_SPACE : 'the lines above are the output of that step',
    stderr: text,
  });
}

function hasTag(name: string): boolean {
  return name.includes('@') || /:[^/]+$/.test(name);
}
