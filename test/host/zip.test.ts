import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listNames } from '../../src/host/folders.ts';
import { Interrupted } from '../../src/host/interrupts.ts';
import { unpackZip, type ZipLimits } from '../../src/host/zip.ts';
import { writeZip, type ZipMember } from '../setup/zip.ts';

let root: string;
let count = 0;
const generous: ZipLimits = {
  maxMembers: 100,
  maxTotalBytes: 1e9,
  ratioFreeBytes: 1e9,
  maxRatio: 10,
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mlts-test-zip-'));
});

afterAll(() => rm(root, { recursive: true, force: true }));

async function unpack(
  members: readonly ZipMember[],
  limits: Partial<ZipLimits> = {},
  change: (archive: Buffer) => Buffer = (archive) => archive,
  signal = new AbortController().signal,
): Promise<string> {
  const folder = join(root, String(++count));
  const file = join(folder, 'x.zip');
  const directory = join(folder, 'out', 'in');
  await mkdir(directory, { recursive: true });
  await writeZip(file, members);
  await writeFile(file, change(await readFile(file)));
  await unpackZip(file, directory, { limits: { ...generous, ...limits }, signal });
  return directory;
}

/** Python writes `/` for a NUL or a backslash; here the bytes themselves are changed. */
const replace =
  (from: string, to: string) =>
  (archive: Buffer): Buffer =>
    Buffer.from(archive.toString('latin1').replaceAll(from, to), 'latin1');

describe('unpackZip', () => {
  it('writes files, folders and empty files, and keeps programs executable', async () => {
    const directory = await unpack([
      { name: 'a/b/c.txt', text: 'deep' },
      { name: 'empty/', mode: 0o040755 },
      { name: 'zero', text: '' },
      { name: 'run.sh', text: '#!/bin/sh', mode: 0o100755 },
      { name: 'name with ünïcode', text: 'u' },
    ]);
    expect(await readFile(join(directory, 'a/b/c.txt'), 'utf8')).toBe('deep');
    expect(await listNames(directory)).toEqual([
      'a',
      'empty',
      'name with ünïcode',
      'run.sh',
      'zero',
    ]);
    const modes = ['run.sh', 'zero'].map(async (name) => (await stat(join(directory, name))).mode);
    expect((await Promise.all(modes)).map((mode) => mode & 0o100)).toEqual([0o100, 0]);
  });

  it.each<[string, readonly ZipMember[], RegExp]>([
    ['a path upwards', [{ name: '../evil' }], /relative path: \.\.\/evil/],
    ['a path upwards inside', [{ name: 'a/../../evil' }], /relative path/],
    ['an absolute path', [{ name: '/tmp/evil' }], /absolute path/],
    ['a drive', [{ name: 'C:/evil' }], /absolute path/],
    ['a link', [{ name: 'l', text: '/etc', mode: 0o120777 }], /`l` is a link or a device/],
    ['a device', [{ name: 'd', mode: 0o020666 }], /is a link or a device/],
    ['a name twice', [{ name: 'a' }, { name: 'a' }], /`a` comes twice/],
    ['a name twice in other words', [{ name: 'a/b' }, { name: 'a//./b' }], /comes twice/],
    ['a file below a file', [{ name: 'a' }, { name: 'a/b' }], /`a\/b` lies below a file/],
    ['a file that is a folder', [{ name: 'a' }, { name: 'a/' }], /`a\/` lies below a file/],
  ])('refuses %s before it is written', async (_name, members, message) => {
    await expect(unpack([{ name: 'first' }, ...members])).rejects.toThrow(message);
    expect(await listNames(join(root, String(count), 'out'))).toEqual(['in']);
    expect(await listNames(join(root, String(count), 'out', 'in'))).toEqual([]);
    expect(await listNames(join(root, String(count)))).toEqual(['out', 'x.zip']);
  });

  it.each([
    ['backslashes', 'a%..%evil', replace('%', '\\'), /invalid characters/],
    ['a zero byte', 'a%evil', replace('%', '\0'), /name that no file can have/],
  ])('refuses %s in a name', async (_name, name, change, message) => {
    await expect(unpack([{ name }], {}, change)).rejects.toThrow(message);
  });

  it.each([
    ['too many members', { maxMembers: 2 }, /more than 2 files/],
    ['too much in all', { maxTotalBytes: 2_000_000 }, /would unpack to 4 MB/],
    ['a bomb', { ratioFreeBytes: 1_000_000, maxRatio: 100 }, /4 MB out of 1 MB/],
  ])('refuses %s and writes nothing of it', async (_name, limits, message) => {
    const members = ['a', 'b', 'c', 'd'].map((name) => ({ name, zeros: 1_000_000 }));
    await expect(unpack(members, limits)).rejects.toThrow(message);
    expect(await listNames(join(root, String(count), 'out', 'in'))).toEqual([]);
  });

  it('refuses a member that is larger than it says', async () => {
    const lie = (archive: Buffer): Buffer => {
      const directory = archive.indexOf('PK\x01\x02');
      archive.writeUInt32LE(10, directory + 24);
      return archive;
    };
    await expect(unpack([{ name: 'a', zeros: 1_000_000 }], {}, lie)).rejects.toThrow(
      /too many bytes|size/,
    );
  });

  it.each([
    ['cut off', (archive: Buffer) => archive.subarray(0, archive.length - 30)],
    ['empty', () => Buffer.alloc(0)],
    ['a web page', () => Buffer.from('<html></html>')],
    ['damaged in the middle', (archive: Buffer) => archive.fill(0xff, 35, 60)],
  ])('says so of an archive that is %s', async (_name, change) => {
    await expect(unpack([{ name: 'a', text: 'x'.repeat(999) }], {}, change)).rejects.toThrow(
      /not a whole zip archive/,
    );
  });

  it('stops when it is interrupted', async () => {
    const signal = AbortSignal.abort(new Interrupted('SIGINT'));
    await expect(unpack([{ name: 'a' }], {}, undefined, signal)).rejects.toThrow(/SIGINT/);
  });
});
