import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openArtifactStore } from '../../src/artifacts/open.ts';
import { uploadFile, uploadFolder } from '../../src/artifacts/upload.ts';
import { Interrupted } from '../../src/host/interrupts.ts';
import { createTestContext } from '../setup/context.ts';
import { type S3Server, startS3Server } from '../setup/s3.ts';

const BASE = 's3://lake/runs/1/artifacts';
let server: S3Server;
let folder: string;
const scratch: string[] = [];

beforeAll(async () => {
  server = await startS3Server();
  await server.createBucket('lake');
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-upload-s3-'));
  scratch.push(folder);
});

afterAll(async () => {
  await server?.stop();
  await Promise.all(scratch.map((path) => rm(path, { recursive: true, force: true })));
});

const createContext = (env: Record<string, string> = {}) =>
  createTestContext({ cwd: folder, env: { ...server.env, ...env } });
const targetIn = (path: string, base = BASE) => ({
  base,
  folder: path,
  trackingUri: 'sqlite:///mlflow.db',
});

test('a file lies under its own name, and says what it holds', async () => {
  await writeFile(join(folder, '50% off + más?.csv'), 'a,b\n');
  const summary = await uploadFile('50% off + más?.csv', targetIn('data'), createContext());
  expect(summary).toEqual({ files: 1, sizeBytes: 4 });
  expect(await server.get('lake', 'runs/1/artifacts/data/50% off + más?.csv')).toMatchObject({
    content: Buffer.from('a,b\n'),
    type: 'text/csv',
    encoding: undefined,
  });
});

test('what is packed says so, and MLFLOW_S3_UPLOAD_EXTRA_ARGS is sent along', async () => {
  await writeFile(join(folder, 'rows.csv.gz'), 'x');
  const extra = '{"StorageClass": "STANDARD_IA"}';
  const context = createContext({ MLFLOW_S3_UPLOAD_EXTRA_ARGS: extra });
  await uploadFile('rows.csv.gz', targetIn('packed'), context);
  expect(await server.get('lake', 'runs/1/artifacts/packed/rows.csv.gz')).toMatchObject({
    type: 'text/csv',
    encoding: 'gzip',
    storageClass: 'STANDARD_IA',
  });
});

test('a folder goes with all its levels; empty files too, empty folders not', async () => {
  await mkdir(join(folder, 'set/deep/er'), { recursive: true });
  await mkdir(join(folder, 'set/empty'));
  await writeFile(join(folder, 'set/none.txt'), '');
  await writeFile(join(folder, 'set/deep/er/b.bin'), Buffer.from([0, 255, 10]));
  await symlink('none.txt', join(folder, 'set/link.txt'));
  await uploadFolder('set', targetIn(''), createContext());
  const store = await openArtifactStore(`${BASE}`, createContext(), '');
  const paths = (await store.list('', AbortSignal.timeout(10_000))).map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['deep', 'link.txt', 'none.txt']));
  expect(paths).not.toContain('empty');
  const { content } = await server.get('lake', 'runs/1/artifacts/deep/er/b.bin');
  expect(content).toEqual(Buffer.from([0, 255, 10]));
});

test('a large file goes in parts and is the same', async () => {
  const content = randomBytes(20_000_001);
  await writeFile(join(folder, 'big.bin'), content);
  await uploadFile('big.bin', targetIn(''), createContext());
  const stored = await server.get('lake', 'runs/1/artifacts/big.bin');
  expect(stored.content.equals(content)).toBe(true);
});

test('an interrupt leaves neither an object nor parts of one', async () => {
  const file = join(folder, 'big.bin');
  await writeFile(file, randomBytes(60_000_000));
  const interrupt = new AbortController();
  const store = await openArtifactStore('s3://lake/stopped', createContext(), '');
  const writing = store.write('big.bin', {
    file,
    sizeBytes: 60_000_000,
    signal: interrupt.signal,
    onBytes: () => interrupt.abort(new Interrupted('SIGINT')),
  });
  await expect(writing).rejects.toMatchObject({ name: 'Interrupted' });
  expect(await store.list('', AbortSignal.timeout(10_000))).toEqual([]);
  expect(await server.listUnfinished('lake')).toEqual([]);
});

test.each([
  { base: 's3://nobody/x', env: {}, says: /the bucket of s3:\/\/nobody\/x\/a does not exist/ },
  { base: BASE, env: { MLFLOW_S3_UPLOAD_EXTRA_ARGS: '[1]' }, says: /is no JSON object: `\[1\]`/ },
  { base: 'hdfs://lake/x', env: {}, says: /cannot write to `hdfs:` addresses yet/ },
])('$base $env: $says', async ({ base, env, says }) => {
  await writeFile(join(folder, 'a'), 'x');
  await expect(uploadFile('a', targetIn('', base), createContext(env))).rejects.toThrow(says);
});
