import { statfs } from 'node:fs/promises';

/** Linux's numbers for file systems on a disk, or in the memory, of this machine (`man 2 statfs`). */
const OF_THIS_MACHINE = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs, as in containers
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
]);
const MOST_KNOWN = 1_000;

const known = new Map<string, boolean>();

/**
 * Whether a folder is on a disk of this machine, and so answers at once: to wait for it where we are takes less than
 * to have another thread wait. Network drives may answer never. False where it is not known, or there is no such folder.
 */
export async function answersAtOnce(folder: string): Promise<boolean> {
  const found = known.get(folder);
  if (found !== undefined) return found;
  const kind = await statfs(folder).catch(() => undefined);
  if (kind === undefined) return false;
  if (known.size >= MOST_KNOWN) known.clear();
  const answers = OF_THIS_MACHINE.has(kind.type);
  known.set(folder, answers);
  return answers;
}
