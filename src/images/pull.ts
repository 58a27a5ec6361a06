import type { Context } from '../host/context.ts';
import type { Docker } from '../host/docker/daemon.ts';
import { findImage, type ImageDetails, pullImage } from '../host/docker/images.ts';
import { findCredentials } from './credentials.ts';

export interface ImageWork {
  readonly docker: Docker;
  readonly context: Context;
  readonly signal: AbortSignal;
  /** `linux/amd64`; undefined: the daemon's own. */
  readonly platform: string | undefined;
}

/**
 * The image as it is on this machine, pulled first if it is absent; with the credentials of
 * `docker login`.
 *
 * @throws NotFound, ToolError as `pullImage`.
 */
export async function ensureImage(name: string, work: ImageWork): Promise<ImageDetails> {
  const { docker, context, signal, platform } = work;
  const present = await findImage(docker, name);
  if (present !== undefined) return present;
  const credentials = await findCredentials(name, context.env);
  await context.terminal.progress(`pulling image ${name}`, (update) => {
    const onProgress = (doneBytes: number, totalBytes: number): void =>
      update(`pulling image ${name}: ${toMegabytes(doneBytes)} of ${toMegabytes(totalBytes)} MB`);
    return pullImage(docker, name, { platform, credentials, signal, onProgress });
  });
  return requireImage(name, docker);
}

/** The image that was just pulled or built. */
export async function requireImage(name: string, docker: Docker): Promise<ImageDetails> {
  const image = await findImage(docker, name);
  if (image === undefined) throw new Error(`image ${name} vanished after it was made`);
  return image;
}

/** For progress. */
export function toMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
