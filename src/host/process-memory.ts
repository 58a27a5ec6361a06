import { readFile } from 'node:fs/promises';

/** Bytes of memory that a process holds now; undefined where it has gone, or nobody tells (no `/proc`). */
export async function readResidentBytes(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
