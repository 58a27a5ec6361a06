import { type FileHandle, open } from 'node:fs/promises';
import { InvalidInput } from '../core/errors.ts';
import { explainCode } from './file-error.ts';

/** A file that is written piece by piece, and may be gone on with by another process when this one has ended. */
export class GrowingFile {
  readonly #path: string;
  readonly #file: FileHandle;
  #bytes: number;

  private constructor(path: string, file: FileHandle, bytes: number) {
    this.#path = path;
    this.#file = file;
    this.#bytes = bytes;
  }

  /**
   * Opens it with its first `keptBytes`; what lies behind them is dropped.
   *
   * @throws InvalidInput with the reason in words.
   */
  static async open(path: string, keptBytes: number): Promise<GrowingFile> {
    try {
      const file = await open(path, keptBytes === 0 ? 'w' : 'r+');
      await file.truncate(keptBytes);
      return new GrowingFile(path, file, keptBytes);
    } catch (error) {
      throw describeWriteError(path, error);
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Returns when the pieces are on the disk. @throws InvalidInput */
  async append(pieces: readonly Uint8Array[]): Promise<void> {
    try {
      for (const piece of pieces) await this.#write(piece);
      await this.#file.datasync();
    } catch (error) {
      throw describeWriteError(this.#path, error);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** A write may take only a part, as it does when a disk is about to be full. */
  async #write(piece: Uint8Array): Promise<void> {
    for (let written = 0; written < piece.length; ) {
      const rest = piece.length - written;
      const { bytesWritten } = await this.#file.write(piece, written, rest, this.#bytes);
      written += bytesWritten;
      this.#bytes += bytesWritten;
    }
  }
}

/** Why a file could not be written, with the mend where that is known. */
export function describeWriteError(path: string, error: unknown): InvalidInput {
  const { code } = error as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  const hint = isFull ? 'make room, or name a file on another disk' : undefined;
  return new InvalidInput(`cannot write ${path}: ${explainCode(error)}`, { hint, cause: error });
}
