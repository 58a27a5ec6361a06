import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, link, lstat, rename, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { InvalidInput } from '../core/errors.ts';
import { explainCode } from './file-error.ts';
import { makeFolder } from './folders.ts';

/** A sealed file has this time: whoever writes to it changes the time, and so breaks the seal. */
const SEAL_TIME = new Date('2000-01-01T00:00:00Z');

/** SHA-256 of a file's content, in hex. */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const stream = addAbortSignal(signal, createReadStream(path));
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) hash.update(chunk);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
  return hash.digest('hex');
}

/** Moves a file to where nobody is to change it. */
export async function sealFile(from: string, path: string): Promise<void> {
  await explained(path, async () => {
    await makeFolder(dirname(path));
    await chmod(from, 0o444);
    await utimes(from, SEAL_TIME, SEAL_TIME);
    await rename(from, path);
  });
}

/** Whether a sealed file is there, of this size, and nobody has written to it. */
export async function isSealed(path: string, sizeBytes: number): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || !found.isFile()) return false;
  return found.size === sizeBytes && found.mtime.getTime() === SEAL_TIME.getTime();
}

/** Gives a sealed file a second name, or copies it where the file system has no such links. */
export async function linkSealedFile(sealed: string, path: string): Promise<void> {
  await explained(path, async () => {
    await makeFolder(dirname(path));
    await link(sealed, path).catch(() => copySealed(sealed, path));
  });
}

async function copySealed(sealed: string, path: string): Promise<void> {
  await copyFile(sealed, path);
  await chmod(path, 0o444);
  await utimes(path, SEAL_TIME, SEAL_TIME);
}

async function explained(path: string, work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => {
    if (error instanceof InvalidInput) throw error;
    throw new InvalidInput(`cannot write ${path}: ${explainCode(error)}`, { cause: error });
  });
}
