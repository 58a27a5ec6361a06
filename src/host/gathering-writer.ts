import type { FileHandle } from 'node:fs/promises';

/** Sockets deliver 64 KiB at a time: to ask the disk for each took longer than the network. */
const GATHERED_BYTES = 1024 * 1024;

/**
 * Writes chunks in their order from `position` on: many at once, while the next ones are on their way.
 * Holds no more than two times `GATHERED_BYTES`.
 */
export class GatheringWriter {
  readonly #file: FileHandle;
  #position: number;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** Never rejects: what it failed with is told to who asks next. */
  #writing: Promise<Failure | undefined> = Promise.resolve(undefined);

  constructor(file: FileHandle, position: number) {
    this.#file = file;
    this.#position = position;
  }

  /** Takes a chunk, which belongs to the writer from now on. @throws what an earlier write failed with */
  async write(chunk: Uint8Array): Promise<void> {
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= GATHERED_BYTES) await this.#begin();
  }

  /** Ends when all that was taken is in the file. @throws what a write failed with */
  async flush(): Promise<void> {
    await this.#begin();
    await this.#wait();
  }

  /** Waits for the disk only if it is still busy with the chunks before. */
  async #begin(): Promise<void> {
    await this.#wait();
    const [chunks, position] = [this.#gathered, this.#position];
    this.#position += this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#writing = writeChunks(this.#file, chunks, position).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
  }

  async #wait(): Promise<void> {
    const failure = await this.#writing;
    if (failure !== undefined) throw failure.error;
  }
}

interface Failure {
  readonly error: unknown;
}

/** A write may take only a part, as it does when a disk is about to be full. */
async function writeChunks(
  file: FileHandle,
  chunks: readonly Uint8Array[],
  position: number,
): Promise<void> {
  if (chunks.length === 0) return;
  const { bytesWritten } = await file.writev(chunks, position);
  const total = chunks.reduce((bytes, { length }) => bytes + length, 0);
  if (bytesWritten === total) return;
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  for (let written = 0; written < rest.length; ) {
    const at = position + bytesWritten + written;
    written += (await file.write(rest, written, rest.length - written, at)).bytesWritten;
  }
}
