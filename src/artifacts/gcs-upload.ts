import { pipeline } from 'node:stream/promises';
import type { File } from '@google-cloud/storage';
import { Unavailable } from '../core/errors.ts';
import { readFileUpTo } from '../host/file-transfer.ts';
import { startIdleTimer, untilAborted } from './cancellation.ts';
import { guessContentType } from './content-type.ts';
import type { GcsSettings } from './gcs-client.ts';
import type { UploadSource } from './store.ts';

/** Larger files go up so that they can go on where they broke off. */
const LARGEST_SIMPLE_BYTES = 8 * 1024 * 1024;

type Attempt = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Puts a file as one object (`GCSArtifactRepository.log_artifact`). Google shows it when all of it has
 * arrived; the client compares its CRC32C, and removes what arrived damaged.
 */
export async function putObject(
  object: File,
  source: UploadSource,
  settings: GcsSettings,
  attempt: Attempt,
): Promise<void> {
  const { type } = await guessContentType(source.file);
  const metadata = type === undefined ? {} : { contentType: type };
  if (source.sizeBytes <= LARGEST_SIMPLE_BYTES) {
    const options = { resumable: false, metadata };
    return attempt(() => send(object, source, options, settings));
  }
  const start = async (): Promise<string> => (await object.createResumableUpload({ metadata }))[0];
  let session: string | undefined;
  return attempt(async () => {
    // Of a new one nothing has to be asked; of an old one Google says what has arrived, and that is
    // read again, for the checksum, and not sent again.
    const where = session === undefined ? { offset: 0 } : {};
    session ??= await untilAborted(start(), source.signal);
    const parts = settings.partBytes === undefined ? {} : { chunkSize: settings.partBytes };
    const options = { uri: session, metadata, ...where, ...parts };
    await send(object, source, options, settings).catch((error: unknown) => {
      if (!isLost(error)) throw error;
      session = undefined;
      throw new Unavailable('the server has lost the upload');
    });
  });
}

function isLost(error: unknown): boolean {
  return [404, 410].includes(Number((error as { readonly code?: unknown }).code));
}

async function send(
  object: File,
  { file, sizeBytes, signal, onBytes }: UploadSource,
  options: Parameters<File['createWriteStream']>[0],
  { idleMs }: GcsSettings,
): Promise<void> {
  const idle = startIdleTimer(idleMs);
  let sent = 0;
  const count = (total: number): void => {
    idle.restart();
    onBytes(total - sent);
    sent = total;
  };
  const target = object.createWriteStream({ ...options, validation: 'crc32c' });
  target.on('progress', ({ bytesWritten }: { bytesWritten: number }) => count(bytesWritten));
  const both = AbortSignal.any([signal, idle.signal]);
  try {
    await pipeline(readFileUpTo(file, sizeBytes), target, { signal: both });
    count(sizeBytes);
  } catch (error) {
    onBytes(-sent);
    throw idle.signal.aborted ? idle.signal.reason : error;
  } finally {
    idle.stop();
  }
}
