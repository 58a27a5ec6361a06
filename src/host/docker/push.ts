import type Dockerode from 'dockerode';
import { ToolError } from '../../core/errors.ts';
import type { Docker } from './daemon.ts';
import { followLayers, runStream } from './daemon-stream.ts';
import type { PullOptions } from './images.ts';

/**
 * Sends an image to its registry.
 *
 * @throws ToolError where the registry refuses it, also in the middle of the stream.
 */
export async function pushImage(docker: Docker, name: string, options: PullOptions): Promise<void> {
  await runStream({ action: 'push', subject: `image ${name}` }, options.signal, async () => {
    const stream = await docker.engine.getImage(name).push({
      authconfig: options.credentials ?? {},
      abortSignal: options.signal,
    } as Dockerode.ImagePushOptions);
    await followLayers(stream, 'Pushing', options.onProgress, (text) => pushError(name, text));
  });
}

function pushError(name: string, text: string): ToolError {
  const isRefused = /unauthorized|denied|authentication required|no basic auth|forbidden/i.test(
    text,
  );
  return new ToolError(`image ${name} is built, but the registry does not take it: ${text}`, {
    hint: isRefused
      ? '`docker login` to the registry, and check the name'
      : 'check the registry in the name of the image, and the network',
    stderr: text,
  });
}
