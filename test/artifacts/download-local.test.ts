import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { downloadArtifact } from '../../src/artifacts/download.ts';
import { resolveRunsTo } from '../setup/artifact-resolver.ts';
import { createTestContext } from '../setup/context.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-local-'));
  await mkdir(join(folder, 'run/artifacts/model/data'), { recursive: true });
  await mkdir(join(folder, 'run/artifacts/model/empty'));
  await writeFile(join(folder, 'run/artifacts/model/data/model.pkl'), 'weights');
  await writeFile(join(folder, '50% of rows.csv'), 'rows');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function download(
  uri: string,
  base = pathToFileURL(join(folder, 'run/artifacts')).href,
  destination = join(folder, 'to'),
) {
  const context = createTestContext({ cwd: folder, env: {} });
  return downloadArtifact(uri, destination, context, resolveRunsTo(base));
}

test.each([['50% of rows.csv'], ['./50% of rows.csv'], ['run/../50% of rows.csv']])(
  'the local path `%s` is made absolute and not copied',
  async (uri) => {
    expect(await download(uri)).toBe(join(folder, '50% of rows.csv'));
    expect(await readdir(folder)).not.toContain('to');
  },
);

test('a file: URI is decoded and not copied', async () => {
  const path = join(folder, '50% of rows.csv');
  expect(await download(pathToFileURL(path).href)).toBe(path);
});

test('a file that is named like a URI is that file', async () => {
  await writeFile(join(folder, 's3:rows.csv'), 'x');
  expect(await download('s3:rows.csv')).toBe(join(folder, 's3:rows.csv'));
});

test('a missing local file is told with its absolute path', async () => {
  await expect(download('data/none.csv')).rejects.toThrow(
    `no such file or folder: ${join(folder, 'data/none.csv')}`,
  );
});

test.each(['file:', ''])(
  'runs:/ copies from a local store at `%s...`, with empty folders',
  async (scheme) => {
    const base = scheme === '' ? 'run/artifacts' : undefined;
    const path = await download('runs:/abc/model', base);
    expect(path).toBe(join(folder, 'to/model'));
    expect(await readFile(join(path, 'data/model.pkl'), 'utf8')).toBe('weights');
    expect((await readdir(path)).sort()).toEqual(['data', 'empty']);
  },
);

test('a folder is not mixed with an earlier download', async () => {
  await download('runs:/abc/model');
  await expect(download('runs:/abc/model')).rejects.toMatchObject({
    code: 'RESOURCE_ALREADY_EXISTS',
    message: `${join(folder, 'to/model')} is there already`,
  });
});

test('a path out of the run’s artifacts is refused', async () => {
  await expect(download('runs:/abc/../../50% of rows.csv')).rejects.toThrow(/leads out of/);
});

test.each([
  ['hdfs://host/x', 'hdfs'],
  ['ftp://host/x', 'ftp'],
])('%s cannot be read yet', async (uri, scheme) => {
  await expect(download(uri)).rejects.toMatchObject({
    code: 'NOT_IMPLEMENTED',
    message: `mlts cannot read \`${scheme}:\` addresses yet: ${uri}`,
    hint: 'download it first and pass the local path',
  });
});

test('a full disk is told as such, and nothing stays behind', async (context) => {
  const disk = await mountSmallDisk(join(folder, 'small'));
  if (disk === undefined) return context.skip('no small file system can be mounted here');
  try {
    await writeFile(join(folder, 'run/artifacts/big.bin'), Buffer.alloc(2_000_000));
    await expect(download('runs:/abc/big.bin', 'run/artifacts', disk.path)).rejects.toThrow(
      /^cannot write .*: no space left on the disk$/,
    );
    expect(await readdir(disk.path)).toEqual([]);
  } finally {
    await disk.unmount();
  }
});

/** A megabyte of memory as a disk; undefined where we may not mount. */
async function mountSmallDisk(path: string) {
  await mkdir(path);
  const options = ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path];
  const { failed } = await execa('mount', options, { reject: false });
  return failed ? undefined : { path, unmount: () => execa('umount', [path]) };
}
