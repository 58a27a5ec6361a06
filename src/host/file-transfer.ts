import { createReadStream } from 'node:fs';
import { type FileHandle, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { InvalidInput } from '../core/errors.ts';
import { explainCode } from './file-error.ts';
import { GatheringWriter } from './gathering-writer.ts';

export interface Receiving {
  /** Where the first byte of the stream belongs; what the file holds behind it is dropped. */
  readonly offset: number;
  readonly signal: AbortSignal;
  /** Called for each part as it arrives; all of them are in the file when the receiving ends. */
  readonly onChunk: (chunk: Uint8Array) => void;
}

/**
 * Writes what a stream delivers to `path`, at the pace of the disk.
 *
 * @throws InvalidInput where the file cannot be written (a full disk), the signal's reason when it is
 * aborted, and the stream's own error as it is.
 */
export async function receiveFile(
  path: string,
  stream: Readable,
  { offset, signal, onChunk }: Receiving,
): Promise<void> {
  addAbortSignal(signal, stream);
  try {
    await using file = await openAt(path, offset);
    const writer = new GatheringWriter(file, offset);
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        onChunk(chunk);
        await writer.write(chunk);
      }
    } finally {
      // Where the stream breaks off, what came before it counts: a transfer goes on from there.
      await writer.flush().catch((error: unknown) => {
        throw writeError(path, error);
      });
    }
  } catch (error) {
    stream.destroy();
    signal.throwIfAborted();
    throw error;
  }
}

async function openAt(path: string, offset: number): Promise<FileHandle> {
  try {
    const file = await open(path, offset === 0 ? 'w' : 'r+');
    await file.truncate(offset);
    return file;
  } catch (error) {
    throw writeError(path, error);
  }
}

function writeError(path: string, error: unknown): InvalidInput {
  const { code } = error as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const hint = isFull ? 'make room, or name a folder on another disk' : undefined;
  return new InvalidInput(`cannot write ${path}: ${explainCode(error)}`, { hint, cause: error });
}

/** Reads a file from `offset` on. */
export function readFileFrom(path: string, offset: number): Readable {
  return createReadStream(path, { start: offset });
}

/** Node's 64 KiB a read cost a large file more than its sending; a small file takes no more than its size. */
const READ_BYTES = 1024 * 1024;

/** Reads the first `sizeBytes` of a file: what is added to it meanwhile is left out. */
export function readFileUpTo(path: string, sizeBytes: number): Readable {
  return readFileRange(path, 0, Math.max(0, sizeBytes - 1));
}

/** Bytes `start` to `end`, both of them included. */
export function readFileRange(path: string, start: number, end: number): Readable {
  return createReadStream(path, { start, end, highWaterMark: READ_BYTES });
}

/** A file of which parts are read into buffers that belong to the caller, in any order. */
export interface PartReader extends AsyncDisposable {
  /** Fills `buffer` with what stands at `start`. @throws InvalidInput where the file ends before. */
  read(buffer: Buffer, start: number): Promise<void>;
}

export async function openParts(path: string): Promise<PartReader> {
  const file = await open(path);
  return {
    read: (buffer, start) => fillBuffer(file, path, buffer, start),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function fillBuffer(
  file: FileHandle,
  path: string,
  buffer: Buffer,
  start: number,
): Promise<void> {
  for (let read = 0; read < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, read, buffer.length - read, start + read);
    if (bytesRead === 0) throw new InvalidInput(`${path} became shorter while it was read`);
    read += bytesRead;
  }
}

/**
 * The first `sizeBytes` of a file in parts of one size, the last one smaller; an empty file is one empty
 * part. Each part is a buffer of its own.
 *
 * @throws InvalidInput where the file has become shorter meanwhile, or cannot be read.
 */
export async function* readParts(
  path: string,
  sizeBytes: number,
  partBytes: number,
): AsyncIterable<Buffer> {
  await using file = await openParts(path);
  for (let start = 0; start < sizeBytes || start === 0; start += partBytes) {
    const part = Buffer.alloc(Math.min(partBytes, sizeBytes - start));
    await file.read(part, start);
    yield part;
  }
}

/** Runs `work` with a new folder in `parent`, which is removed afterwards with all that is left in it. */
export async function withPartialFolder<T>(
  parent: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(parent, '.partial-')).catch((error: unknown) => {
    throw writeError(parent, error);
  });
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

export interface FolderEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  /** Undefined for a folder, and for a link that leads nowhere. */
  readonly sizeBytes: number | undefined;
}

/** What is in the folder, links followed, sorted by name; undefined where there is no folder. */
export async function describeFolder(path: string): Promise<readonly FolderEntry[] | undefined> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new InvalidInput(`cannot list ${path}: ${error.code}`, { cause: error });
  });
  if (names === undefined) return undefined;
  return Promise.all(names.sort().map((name) => describeEntry(path, name)));
}

async function describeEntry(folder: string, name: string): Promise<FolderEntry> {
  const found = await stat(join(folder, name)).catch(() => undefined);
  const isDirectory = found?.isDirectory() ?? false;
  return { name, isDirectory, sizeBytes: isDirectory ? undefined : found?.size };
}

export interface FileState {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Of a file, links followed; undefined where there is none. */
export async function describeFile(path: string): Promise<FileState | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? { sizeBytes: found.size, modifiedMs: found.mtimeMs } : undefined;
}

/** Size of a file in bytes; undefined where there is no file. */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  return (await describeFile(path))?.sizeBytes;
}
