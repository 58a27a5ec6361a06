import { execFileSync } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkTargetPath, readSourcePath } from '../../src/artifacts/artifact-path.ts';
import { openLocalStore } from '../../src/artifacts/local-store.ts';
import { uploadFile, uploadFolder } from '../../src/artifacts/upload.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';

let folder: string;
let root: string;
let context: TestContext;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-upload-'));
  root = join(folder, 'mlruns/0/run/artifacts');
  context = createTestContext({ cwd: folder });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const targetIn = (path: string) => ({ base: root, folder: path, trackingUri: 'sqlite:///x.db' });

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

async function listStored(): Promise<readonly string[]> {
  return (await readdir(root, { recursive: true }).catch(() => [])).sort();
}

test('a file is copied with its mode and time, in place of an older one', async () => {
  await write({ 'run.sh': 'new', 'mlruns/0/run/artifacts/bin/run.sh': 'older and longer' });
  await chmod(join(folder, 'run.sh'), 0o755);
  await utimes(join(folder, 'run.sh'), 1_000_000, 1_000_000);
  await uploadFile('run.sh', targetIn('bin'), context);
  const stored = await stat(join(root, 'bin/run.sh'));
  expect(await readFile(join(root, 'bin/run.sh'), 'utf8')).toBe('new');
  expect([stored.mode & 0o777, stored.mtimeMs]).toEqual([0o755, 1_000_000_000]);
  expect(await listStored()).toEqual(['bin', 'bin/run.sh']);
});

test('a folder: empty folders stay, links to files are files, a link to a folder is an empty one', async () => {
  await write({ 'set/a.txt': 'A', 'set/deep/b.txt': 'B', 'outside.txt': 'O' });
  await mkdir(join(folder, 'set/empty'));
  await symlink('../outside.txt', join(folder, 'set/link.txt'));
  await symlink('deep', join(folder, 'set/round'));
  const summary = await uploadFolder('set', targetIn('in'), context);
  expect(summary).toEqual({ files: 3, sizeBytes: 3 });
  expect(await listStored()).toEqual(
    ['in', 'in/a.txt', 'in/deep', 'in/deep/b.txt', 'in/empty', 'in/link.txt', 'in/round'].sort(),
  );
  expect(context.said.stderr).toContain('set/round is a link to a folder');
});

test('a file that is where it goes to stays as it is', async () => {
  await write({ 'mlruns/0/run/artifacts/a.txt': 'A' });
  await uploadFile(join(root, 'a.txt'), targetIn(''), context);
  expect(await readFile(join(root, 'a.txt'), 'utf8')).toBe('A');
});

test('what another process is just writing is not listed', async () => {
  await write({ 'mlruns/0/run/artifacts/.artifact.uploading.x': 'half', 'a.txt': 'A' });
  await uploadFile('a.txt', targetIn(''), context);
  const entries = await openLocalStore(root).list('', AbortSignal.timeout(1_000));
  expect(entries).toEqual([{ path: 'a.txt', isDirectory: false, sizeBytes: 1 }]);
});

describe('what cannot be uploaded is told before anything is', () => {
  test.each([
    { name: 'none', upload: uploadFile, says: /no such file or folder: .*none/ },
    { name: 'none', upload: uploadFolder, says: /no such file or folder: .*none/ },
    { name: 'set', upload: uploadFile, says: /set is a folder/ },
    { name: 'a.txt', upload: uploadFolder, says: /a\.txt is no folder/ },
    { name: 'pipe', upload: uploadFile, says: /pipe is neither a file nor a folder/ },
    { name: 'dead', upload: uploadFolder, says: /dead\/link is neither/ },
    { name: '.artifact.uploading.x', upload: uploadFile, says: /reserved/ },
  ])('$name', async ({ name, upload, says }) => {
    await write({ 'set/a': 'A', 'a.txt': 'A', 'dead/a': 'A', '.artifact.uploading.x': 'x' });
    await symlink('nowhere', join(folder, 'dead/link'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(upload(name, targetIn(''), context)).rejects.toThrow(says);
    expect(await listStored()).toEqual([]);
  });
});

test('a folder in the way of a file is told, and nothing half-written stays', async () => {
  await write({ 'a.txt': 'A', 'mlruns/0/run/artifacts/a.txt/b': 'B' });
  await expect(uploadFile('a.txt', targetIn(''), context)).rejects.toThrow(
    /cannot write .*a\.txt: a folder of that name is in the way/,
  );
  expect(await listStored()).toEqual(['a.txt', 'a.txt/b']);
});

test('an interrupt ends it', async () => {
  await write({ 'a.txt': 'A' });
  context.interrupt();
  await expect(uploadFile('a.txt', targetIn(''), context)).rejects.toMatchObject({
    name: 'Interrupted',
  });
  expect(await listStored()).toEqual([]);
});

test.each(['..', '../x', 'a/../../x', '/abs', 'a/', 'a//b', './a', '.', 'a\0b'])(
  'no folder to log into: %j',
  (path) => {
    expect(() => checkTargetPath(path)).toThrow(/no plain path below/);
  },
);

test.each([
  { path: 'a/', plain: 'a' },
  { path: './a//b', plain: 'a/b' },
  { path: '.', plain: '' },
  { path: '...', plain: '...' },
])('a folder to read: $path', ({ path, plain }) => {
  expect(readSourcePath(path)).toBe(plain);
});

test.each(['..', 'a/../../x', '/abs', '/'])('no folder to read: %s', (path) => {
  expect(() => readSourcePath(path)).toThrow(/leads out/);
});
