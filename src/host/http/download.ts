import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { InvalidInput, MltsError, Unavailable } from '../../core/errors.ts';
import type { Context } from '../context.ts';
import { createHttpClient, type HttpAnswer } from './client.ts';

export interface DownloadOptions {
  readonly maxBytes: number;
  /** `totalBytes` is undefined where the server does not say. */
  readonly onProgress?: (receivedBytes: number, totalBytes: number | undefined) => void;
}

/**
 * Streams one http(s) URL into a new file. Proxies, certificates, retries and deadlines are the HTTP
 * client's.
 *
 * @throws InvalidInput for more than `maxBytes`, Unavailable for a connection that breaks or ends
 * early; what has arrived stays in the file, for the caller to remove. @throws Interrupted
 */
export async function downloadFile(
  url: string,
  path: string,
  context: Context,
  options: DownloadOptions,
): Promise<void> {
  const client = await createHttpClient(url, context, { audience: 'anyone' });
  try {
    const answer = await client.open({ method: 'GET', path: '' });
    await saveBody(answer, path, { ...options, address: client.address, context });
  } finally {
    await client.close();
  }
}

interface Saving extends DownloadOptions {
  readonly address: string;
  readonly context: Context;
}

async function saveBody(answer: HttpAnswer, path: string, saving: Saving): Promise<void> {
  const { maxBytes, onProgress, address, context } = saving;
  const { signal } = context.interrupts;
  const totalBytes = Number(answer.headers['content-length']) || undefined;
  let receivedBytes = 0;
  const count = async function* (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of chunks) {
      receivedBytes += chunk.length;
      if (receivedBytes > maxBytes) throw tooLarge(address, maxBytes);
      onProgress?.(receivedBytes, totalBytes);
      yield chunk;
    }
  };
  try {
    if ((totalBytes ?? 0) > maxBytes) throw tooLarge(address, maxBytes);
    await pipeline(answer.body, count, createWriteStream(path, { flags: 'wx' }), { signal });
  } catch (error) {
    answer.body.destroy();
    signal.throwIfAborted();
    if (error instanceof MltsError || (error as NodeJS.ErrnoException).syscall === 'write') {
      throw error;
    }
    throw new Unavailable(`${address} broke off after ${receivedBytes} bytes`, {
      hint: 'check the network and try again',
      cause: error,
    });
  }
}

function tooLarge(address: string, maxBytes: number): InvalidInput {
  return new InvalidInput(`${address} is larger than ${Math.floor(maxBytes / 1_000_000)} MB`, {
    hint: 'download it yourself, and name the file',
  });
}
