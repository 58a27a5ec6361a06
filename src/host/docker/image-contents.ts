import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import type { Docker } from './daemon.ts';
import { explainDockerError } from './error.ts';

export interface ImageLayer {
  /** The instruction that made it. */
  readonly instruction: string;
  readonly sizeBytes: number;
}

export interface ImageDescription {
  /** `sha256:...` */
  readonly id: string;
  /** Of all layers, those of the base image among them. */
  readonly sizeBytes: number;
  /** The newest first, without those that hold no files. */
  readonly layers: readonly ImageLayer[];
}

/** What an image consists of. */
export async function describeImage({ engine }: Docker, name: string): Promise<ImageDescription> {
  const image = engine.getImage(name);
  const [{ Id, Size }, history] = await Promise.all([image.inspect(), image.history()]);
  const layers = (history as readonly { CreatedBy: string; Size: number }[])
    .filter((layer) => layer.Size > 0)
    .map(({ CreatedBy, Size: sizeBytes }) => ({
      instruction: CreatedBy.replace(/^\/bin\/sh -c #\(nop\)\s*/, '').replace(/\s+/g, ' '),
      sizeBytes,
    }));
  return { id: Id, sizeBytes: Size, layers };
}

/** What registries call an image that came from them or went to them: `NAME@sha256:...`. */
export async function listRegistryNames(
  { engine }: Docker,
  image: string,
): Promise<readonly string[]> {
  const { RepoDigests = [] } = await engine.getImage(image).inspect();
  return RepoDigests;
}

/**
 * The text of one file in an image; undefined where it has none of that path. Nothing of the image is started,
 * so that its architecture does not matter.
 */
export async function readImageFile(
  { engine }: Docker,
  image: string,
  path: string,
): Promise<string | undefined> {
  const task = { action: 'look into', subject: `image ${image}` };
  try {
    // Never started: what it would run does not count, but there must be something.
    const container = await engine.createContainer({ Image: image, Entrypoint: ['none'] });
    try {
      return await readArchived((await container.getArchive({ path })) as Readable, path);
    } finally {
      await container.remove({ force: true, v: true }).catch(() => {});
    }
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw explainDockerError(error, task);
  }
}

async function readArchived(archive: Readable, path: string): Promise<string | undefined> {
  const { default: tar } = await import('tar-stream');
  const extract = tar.extract();
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    extract.on('entry', ({ name }, content, next) => {
      if (name === posix.basename(path)) content.on('data', (piece: Buffer) => pieces.push(piece));
      content.on('end', next).resume();
    });
    extract.on('finish', () => resolve(Buffer.concat(pieces).toString()));
    extract.on('error', reject);
    archive.on('error', reject);
    archive.pipe(extract);
  });
}
