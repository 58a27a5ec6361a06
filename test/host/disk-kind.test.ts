import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { answersAtOnce } from '../../src/host/disk-kind.ts';
import { testCache } from '../setup/cache.ts';

test('a folder answers at once where its file system is one of this machine', async () => {
  const folder = await mkdtemp(join(testCache, 'disk-kind-'));
  const { stdout } = await execa('stat', ['--file-system', '--format', '%T', folder]);
  const isLocal = /^(ext2\/ext3|xfs|btrfs|tmpfs|overlayfs|zfs|f2fs)$/.test(stdout);
  // Asked twice: the second time it is known.
  expect([await answersAtOnce(folder), await answersAtOnce(folder)]).toEqual([isLocal, isLocal]);
  expect(await answersAtOnce('/proc')).toBe(false);
  expect(await answersAtOnce(join(folder, 'none'))).toBe(false);
  await rm(folder, { recursive: true });
});
