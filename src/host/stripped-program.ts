import { chmod, copyFile, type FileHandle, open } from 'node:fs/promises';

/** Where the header of a 64-bit ELF file says what is where (`Elf64_Ehdr` in elf.h). */
const HEADER_BYTES = 64;
const SECTIONS_AT = 0x28;
const SECTION_COUNTS_AT = 0x3a;

/**
 * Copies a Linux program to `target` without what stands behind all that is loaded of it: symbols and debug
 * information, a seventh of Node. What is no such program is copied as it is.
 */
export async function copyStripped(path: string, target: string): Promise<void> {
  await copyFile(path, target);
  await chmod(target, 0o755);
  await stripProgram(target);
}

async function stripProgram(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const header = await read(file, 0, HEADER_BYTES);
    const isElf64 = header.subarray(0, 6).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]));
    if (!isElf64) return;
    await file.truncate(await findLoadedEnd(file, header));
    // There are no sections any more: nothing that runs a program reads them.
    await file.write(Buffer.alloc(8), 0, 8, SECTIONS_AT);
    await file.write(Buffer.alloc(6), 0, 6, SECTION_COUNTS_AT);
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
