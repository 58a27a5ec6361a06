import { setTimeout as sleep } from 'node:timers/promises';
import { MltsError, Unavailable } from '../core/errors.ts';
import { receiveFile } from '../host/file-transfer.ts';
import type { ArtifactStore, ResumePoint } from './store.ts';

export interface TransferOptions {
  readonly signal: AbortSignal;
  /** Called as bytes arrive; negative where some are thrown away because a file starts anew. */
  readonly onBytes: (count: number) => void;
}

const MOST_FAILURES = 5;
const FIRST_WAIT_MS = 100;
/** A part of this size shows that the connection works at all: failures are counted anew. */
const PROGRESS_BYTES = 8_000_000;

/**
 * Copies one file of a store to `target`. Where the connection breaks or the file ends too early, it
 * goes on from there, or starts anew if the store cannot say that it is still the same file.
 *
 * @throws Unavailable where it fails six times without getting on, and what `store.read` and `receiveFile` throw.
 */
export async function transferFile(
  store: ArtifactStore,
  path: string,
  target: string,
  options: TransferOptions,
): Promise<void> {
  let from: ResumePoint = { offset: 0, version: undefined };
  for (let failures = 0; ; failures += 1) {
    const attempt = await receivePart(store, path, target, from, options);
    if (attempt.failure === undefined) return;
    if (failures === MOST_FAILURES) throw attempt.failure;
    if (attempt.next.offset - from.offset > PROGRESS_BYTES) failures = 0;
    from = attempt.next;
    await sleep(FIRST_WAIT_MS * 2 ** failures, undefined, { signal: options.signal }).catch(() =>
      options.signal.throwIfAborted(),
    );
  }
}

interface Attempt {
  readonly failure: Unavailable | undefined;
  readonly next: ResumePoint;
}

async function receivePart(
  store: ArtifactStore,
  path: string,
  target: string,
  from: ResumePoint,
  { signal, onBytes }: TransferOptions,
): Promise<Attempt> {
  signal.throwIfAborted();
  const content = await store.read(path, from, signal);
  const { sizeBytes, version } = content;
  let received = content.offset;
  onBytes(received - from.offset);
  const count = (bytes: number): void => {
    received += bytes;
    onBytes(bytes);
  };
  const receiving = { offset: received, signal, onBytes: count };
  const cause = await receiveFile(target, content.stream, receiving).catch((error: unknown) => {
    signal.throwIfAborted();
    if (error instanceof MltsError) throw error;
    return error;
  });
  const isWhole = cause === undefined && (sizeBytes ?? received) === received;
  const next = received > (sizeBytes ?? Infinity) ? 0 : received;
  return {
    failure: isWhole ? undefined : describeFailure(path, received, sizeBytes, cause),
    next: { offset: next, version },
  };
}

function describeFailure(
  path: string,
  received: number,
  sizeBytes: number | undefined,
  cause: unknown,
): Unavailable {
  const name = path === '' ? 'the file' : `\`${path}\``;
  const expected = sizeBytes === undefined ? '' : ` of ${sizeBytes}`;
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  return new Unavailable(`${name} broke off after ${received}${expected} bytes${why}`, {
    hint: 'try again; if it stays so, the server or a proxy before it cuts the file off',
    cause,
  });
}
