import { MltsError, Unavailable } from '../core/errors.ts';
import { receiveFile } from '../host/file-transfer.ts';
import { createDigest, type Digest } from './checksum.ts';
import { describeRetry, MOST_RETRIES, waitBeforeRetry } from './retry.ts';
import type { ArtifactContent, ArtifactStore, ResumePoint } from './store.ts';

export interface TransferOptions {
  readonly signal: AbortSignal;
  /** Called as bytes arrive; negative where some are thrown away because a file starts anew. */
  readonly onBytes: (count: number) => void;
  /** Called where a file goes on after it broke off. */
  readonly tell?: (note: string) => void;
}

/** A part of this size shows that the connection works at all: failures are counted anew. */
const PROGRESS_BYTES = 8_000_000;

/**
 * Copies one file of a store to `target`. Where the connection breaks, the file ends too early, or its
 * checksum is not the store's, it goes on from there, or starts anew if the store cannot say that it is
 * still the same file.
 *
 * @throws Unavailable where it fails six times without getting on, and what `store.read` and `receiveFile` throw.
 */
export async function transferFile(
  store: ArtifactStore,
  path: string,
  target: string,
  options: TransferOptions,
): Promise<void> {
  let progress: Progress = { next: { offset: 0, version: undefined }, check: undefined };
  for (let failures = 0; ; failures += 1) {
    const { failure, ...reached } = await receivePart(store, path, target, progress, options);
    if (failure === undefined) return;
    if (failures === MOST_RETRIES) throw failure;
    if (reached.next.offset - progress.next.offset > PROGRESS_BYTES) failures = 0;
    progress = reached;
    options.tell?.(describeRetry(failures + 1, failure.message));
    await waitBeforeRetry(failures + 1, options.signal);
  }
}

interface Progress {
  readonly next: ResumePoint;
  /** Of all that has arrived; absent where the store tells no checksum. */
  readonly check: RunningCheck | undefined;
}

interface RunningCheck {
  readonly digest: Digest;
  readonly algorithm: string;
  readonly expected: string;
}

interface Attempt extends Progress {
  readonly failure: Unavailable | undefined;
}

async function receivePart(
  store: ArtifactStore,
  path: string,
  target: string,
  from: Progress,
  { signal, onBytes }: TransferOptions,
): Promise<Attempt> {
  signal.throwIfAborted();
  const content = await store.read(path, from.next, signal);
  const { sizeBytes, version } = content;
  const check = content.offset === 0 ? await startCheck(content) : from.check;
  let received = content.offset;
  onBytes(received - from.next.offset);
  const onChunk = (chunk: Uint8Array): void => {
    received += chunk.length;
    check?.digest.update(chunk);
    onBytes(chunk.length);
  };
  const receiving = { offset: received, signal, onChunk };
  const cause = await receiveFile(target, content.stream, receiving).catch((error: unknown) => {
    signal.throwIfAborted();
    if (error instanceof MltsError) throw error;
    return error;
  });
  const isWhole = cause === undefined && (sizeBytes ?? received) === received;
  const isTooLong = received > (sizeBytes ?? Infinity);
  if (!isWhole) {
    const failure = describeFailure(path, received, sizeBytes, cause);
    return { failure, next: { offset: isTooLong ? 0 : received, version }, check };
  }
  const damage = check === undefined ? undefined : await findDamage(path, check);
  return { failure: damage, next: { offset: 0, version: undefined }, check: undefined };
}

async function startCheck({ checksum }: ArtifactContent): Promise<RunningCheck | undefined> {
  if (checksum === undefined) return undefined;
  const { algorithm, value: expected } = checksum;
  return { digest: await createDigest(algorithm), algorithm, expected };
}

async function findDamage(
  path: string,
  { digest, algorithm, expected }: RunningCheck,
): Promise<Unavailable | undefined> {
  const found = await digest.finish();
  if (found === expected) return undefined;
  return new Unavailable(
    `${nameFile(path)} arrived damaged: its ${algorithm} is ${found}, the store says ${expected}`,
    { hint: 'try again; if it stays so, the file in the store or the way to it is damaged' },
  );
}

function describeFailure(
  path: string,
  received: number,
  sizeBytes: number | undefined,
  cause: unknown,
): Unavailable {
  const expected = sizeBytes === undefined ? '' : ` of ${sizeBytes}`;
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  return new Unavailable(`${nameFile(path)} broke off after ${received}${expected} bytes${why}`, {
    hint: 'try again; if it stays so, the server or a proxy before it cuts the file off',
    cause,
  });
}

function nameFile(path: string): string {
  return path === '' ? 'the file' : `\`${path}\``;
}
