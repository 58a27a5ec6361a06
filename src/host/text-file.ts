import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { InvalidInput, NotFound } from '../core/errors.ts';

/**
 * Reads a text file that a person wrote and that may be anything: never waits on a pipe or device,
 * never reads past `maxBytes`. A byte order mark is dropped.
 *
 * @throws NotFound where there is no file, InvalidInput where it is no regular file, is too large, may
 * not be read or is not UTF-8 text.
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  return (await readWholeText(path, maxBytes)).replace(/^\ufeff/, '');
}

/** As `readTextFile`, with a byte order mark as the text's first character, as Python reads it. */
export async function readWholeText(path: string, maxBytes: number): Promise<string> {
  const bytes = await readBytes(path, maxBytes).catch((error: unknown) => {
    throw readError(path, error);
  });
  if (bytes.includes(0)) throw new InvalidInput(`${path} is a binary file, not text`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidInput(`${path} is not UTF-8 text`, {
      cause,
      hint: 'save it as UTF-8 in your editor',
    });
  }
}

/** As `readTextFile`, whatever bytes the file holds. */
export async function readBinaryFile(path: string, maxBytes: number): Promise<Buffer> {
  return readBytes(path, maxBytes).catch((error: unknown) => {
    throw readError(path, error);
  });
}

/** Names in a folder that must be there, sorted. @throws NotFound, InvalidInput where it cannot be listed. */
export async function listFolder(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    throw readError(directory, error);
  }
}

async function readBytes(path: string, maxBytes: number): Promise<Buffer> {
  // O_NONBLOCK: opening a named pipe that nobody writes to must not hang.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = await file.stat();
  if (stat.isDirectory()) throw new InvalidInput(`${path} is a folder, not a file`);
  if (!stat.isFile()) throw new InvalidInput(`${path} is not a regular file`);
  if (stat.size > maxBytes) {
    throw new InvalidInput(
      `${path} is too large: ${stat.size} bytes, at most ${maxBytes} are read`,
    );
  }
  return file.readFile();
}

const READ_FAILURES: Readonly<Record<string, string>> = {
  EACCES: 'may not be read: permission denied',
  EPERM: 'may not be read: permission denied',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'is not a folder, or lies below a file',
  ELOOP: 'is a link that leads back to itself',
  ENXIO: 'is not a regular file',
};

function readError(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') {
    return new NotFound(`${path} does not exist`, { hint: 'check its path', cause: error });
  }
  const failure = code === undefined ? undefined : READ_FAILURES[code];
  return failure === undefined ? error : new InvalidInput(`${path} ${failure}`, { cause: error });
}
