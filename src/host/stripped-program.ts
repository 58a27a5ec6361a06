import { copyFile, type FileHandle, mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from './folders.ts';

/** Where the header of a 64-bit ELF file says what is where (`Elf64_Ehdr` in elf.h). */
const HEADER_BYTES = 64;
const SECTIONS_AT = 0x28;
const SECTION_COUNTS_AT = 0x3a;

/**
 * A copy of a Linux program without what stands behind all that is loaded of it: symbols and debug
 * information, a seventh of Node. It is kept in `folder` for the next time. What is no such program is
 * returned as it is.
 */
export async function stripProgram(path: string, folder: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const target = join(folder, `${basename(path)}-${size}-${Math.round(mtimeMs)}`);
  if ((await stat(target).catch(() => undefined)) !== undefined) return target;
  await makeFolder(folder);
  const temporary = await mkdtemp(join(dirname(target), '.stripping-'));
  try {
    const copy = join(temporary, 'program');
    await copyFile(path, copy);
    if (!(await truncateProgram(copy))) return path;
    await rename(copy, target);
    return target;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function truncateProgram(path: string): Promise<boolean> {
  const file = await open(path, 'r+');
  try {
    const header = await read(file, 0, HEADER_BYTES);
    const isElf64 = header.subarray(0, 6).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]));
    if (!isElf64) return false;
    await file.truncate(await findLoadedEnd(file, header));
    // There are no sections any more: nothing that runs a program reads them.
    await file.write(Buffer.alloc(8), 0, 8, SECTIONS_AT);
    await file.write(Buffer.alloc(6), 0, 6, SECTION_COUNTS_AT);
    return true;
  } finally {
    await file.close();
  }
}

/** The last byte of all segments, and of the table of them. */
async function findLoadedEnd(file: FileHandle, header: Buffer): Promise<number> {
  const start = Number(header.readBigUInt64LE(0x20));
  const [size, count] = [header.readUInt16LE(0x36), header.readUInt16LE(0x38)];
  const table = await read(file, start, size * count);
  const ends = Array.from({ length: count }, (_, index) => {
    const segment = table.subarray(index * size);
    return Number(segment.readBigUInt64LE(0x08) + segment.readBigUInt64LE(0x20));
  });
  return Math.max(start + size * count, ...ends);
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
