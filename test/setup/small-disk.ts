import { mkdir } from 'node:fs/promises';
import { execa } from 'execa';

export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
}

/** Why no file system can be mounted here; undefined where it can. */
export async function whyNoSmallDisk(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'tmpfs is Linux only';
  if (process.getuid?.() !== 0) return 'only root mounts a file system';
  const { exitCode } = await execa('unshare', ['-m', 'true'], { reject: false });
  return exitCode === 0 ? undefined : 'this container may not mount file systems';
}

/** A file system of `sizeKib` in memory at `path`: what is written to it soon meets a full disk. */
export async function mountSmallDisk(path: string, sizeKib: number): Promise<SmallDisk> {
  await mkdir(path, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${sizeKib}k`, 'tmpfs', path]);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await execa('umount', ['-l', path]);
    },
  };
}
