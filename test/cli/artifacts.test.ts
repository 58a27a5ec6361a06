import { mkdir, readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from './rig.ts';

let rig: Rig;
let runId: string;

beforeAll(async () => {
  rig = createRig();
  runId = await createRun();
  await rig.write({
    'one.csv': '1,2',
    'set/größe.txt': 'A',
    'set/sub/b.bin': 'BB',
    'set/none': '',
  });
  await mkdir(rig.path('set/empty'));
  await artifacts('log-artifact', '-l', 'one.csv', '-r', runId);
  await artifacts('log-artifacts', '-l', 'set', '-r', runId, '-a', 'in/to');
});
afterAll(() => rig[Symbol.asyncDispose]());

const artifacts = (...args: readonly string[]) => rig.mlts(['artifacts', ...args]);

async function createRun(): Promise<string> {
  const { stdout } = await rig.mlts(['runs', 'create', '--experiment-id', '0']);
  return (JSON.parse(stdout) as { readonly run_id: string }).run_id;
}

test('what is logged is told on stderr, and nothing on stdout', async () => {
  const ended = await artifacts('log-artifact', '-l', 'one.csv', '-r', runId, '-a', 'told');
  expect(ended).toMatchObject({ exitCode: 0, stdout: '' });
  expect(ended.stderr).toContain(`logged one.csv to run ${runId} (1 file, 3 B)\n`);
});

test('list, as MLflow prints it', async () => {
  const { stdout } = await artifacts('list', '--run-id', runId, '--artifact-path', 'in/to/');
  expect(stdout).toMatchInlineSnapshot(`
    "[{
      "path": "in/to/empty",
      "is_dir": true
    }, {
      "path": "in/to/gr\\u00f6\\u00dfe.txt",
      "is_dir": false,
      "file_size": 1
    }, {
      "path": "in/to/none",
      "is_dir": false
    }, {
      "path": "in/to/sub",
      "is_dir": true
    }]
    "
  `);
  expect(await artifacts('list', '-r', runId, '-a', 'none')).toMatchObject({ stdout: '[]\n' });
});

test('list in other forms', async () => {
  const list = ['list', '-r', runId, '-a', 'in/to', '--output'];
  const { stdout } = await artifacts(...list, 'table');
  expect(stdout).toMatchInlineSnapshot(`
    "path             is_dir  file_size
    in/to/empty      true
    in/to/größe.txt  false   1
    in/to/none       false   0
    in/to/sub        true
    "
  `);
  expect((await artifacts(...list, 'csv')).stdout.split('\n')[0]).toBe('path,is_dir,file_size');
});

test('all of a run comes into the folder itself, and may come again', async () => {
  const download = ['download', '-r', runId, '-d', 'all'];
  await artifacts(...download);
  await rig.write({ 'all/one.csv': 'changed', 'all/mine.txt': 'kept' });
  const ended = await artifacts(...download);
  expect(ended).toMatchObject({ exitCode: 0, stdout: `\n${rig.path('all')}\n` });
  expect((await readdir(rig.path('all'))).sort()).toEqual(['in', 'mine.txt', 'one.csv', 'told']);
  expect(await readFile(rig.path('all/one.csv'), 'utf8')).toBe('1,2');
  expect(await readdir(rig.path('all/in/to/empty'))).toEqual([]);
});

test('a part of a run comes under its own name', async () => {
  const { stdout } = await artifacts('download', '-u', `runs:/${runId}/in/to/sub`, '-d', 'part');
  expect(stdout).toBe(`\n${rig.path('part/sub')}\n`);
  expect(await readFile(rig.path('part/sub/b.bin'), 'utf8')).toBe('BB');
});

test('what is in a folder comes without it where a slash stands behind its name', async () => {
  const { stdout } = await artifacts('download', '-r', runId, '-a', 'in/to/sub/', '-d', 'inside');
  expect(stdout).toBe(`\n${rig.path('inside')}\n`);
  expect(await readdir(rig.path('inside'))).toEqual(['b.bin']);
});

test('without a folder to go to it comes into a new one; all of a local run stays where it is', async () => {
  const part = await artifacts('download', '-r', runId, '-a', 'one.csv');
  const path = part.stdout.trim();
  expect(path.startsWith(rig.directory)).toBe(false);
  expect(await readFile(path, 'utf8')).toBe('1,2');
  const all = await artifacts('download', '-r', runId);
  expect(all.stdout).toBe(`\n${rig.path('mlruns/0', runId, 'artifacts')}\n`);
});

test('a local address: where it is, or a copy', async () => {
  const there = await artifacts('download', '-u', 'set', '-r', 'ignored', '-a', 'ignored');
  expect(there.stdout).toBe(`\n${rig.path('set')}\n`);
  const copied = await artifacts('download', '-u', `file://${rig.path('set')}`, '-d', 'copy');
  expect(copied.stdout).toBe(`\n${rig.path('copy/set')}\n`);
  expect(await readFile(rig.path('copy/set/größe.txt'), 'utf8')).toBe('A');
});

describe('what is wrong is one line', () => {
  test.each([
    { args: ['list'], exitCode: 2, says: /--run-id/ },
    { args: ['list', '-r', 'RUN', '-a', '../..'], exitCode: 1, says: /leads out of the run's/ },
    { args: ['list', '-r', 'f'.repeat(32)], exitCode: 1, says: /no run with id f{32}/ },
    { args: ['download'], exitCode: 2, says: /neither --run-id nor --artifact-uri/ },
    { args: ['download', '-r', 'RUN', '-a', 'x/../../y'], exitCode: 1, says: /leads out/ },
    { args: ['download', '-u', 'none', '-d', 'd'], exitCode: 1, says: /no such file or folder/ },
    { args: ['download', '-u', 'models:/m/1'], exitCode: 1, says: /`m` has no version 1/ },
    { args: ['download', '-u', 'hdfs://b/x'], exitCode: 1, says: /`hdfs:`/ },
    { args: ['log-artifact', '-r', 'RUN', '-l', 'none'], exitCode: 1, says: /no such file/ },
    { args: ['log-artifact', '-r', 'RUN', '-l', 'set'], exitCode: 1, says: /set is a folder/ },
    {
      args: ['log-artifact', '-r', 'RUN', '-l', 'one.csv', '-a', '../x'],
      exitCode: 1,
      says: /\.\.\/x/,
    },
    { args: ['log-artifacts', '-r', 'RUN', '-l', 'one.csv'], exitCode: 1, says: /is no folder/ },
    {
      args: ['log-artifacts', '-r', 'f'.repeat(32), '-l', 'set'],
      exitCode: 1,
      says: /no run with/,
    },
  ])('$args', async ({ args, exitCode, says }) => {
    const ended = await artifacts(...args.map((word) => (word === 'RUN' ? runId : word)));
    expect(ended).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(says) });
    expect(ended.stderr).toMatch(/^error: .*\n(hint: .*\n)?$/);
  });

  test('what is not there leaves no folder behind', async () => {
    await mkdir(rig.path('tmp'));
    const args = ['artifacts', 'download', '-r', runId, '-a', 'none'];
    const ended = await rig.mlts(args, { env: { TMPDIR: rig.path('tmp') } });
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ended.stderr).toMatch(/error: .*none does not exist\n/);
    expect(await readdir(rig.path('tmp'))).toEqual([]);
  });

  test('a deleted run takes nothing and still shows what it has', async () => {
    const deleted = await createRun();
    await artifacts('log-artifact', '-l', 'one.csv', '-r', deleted);
    await rig.mlts(['runs', 'delete', '--run-id', deleted]);
    const ended = await artifacts('log-artifact', '-l', 'one.csv', '-r', deleted, '-a', 'late');
    expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/is deleted\nhint/) });
    const { stdout } = await artifacts('list', '-r', deleted);
    expect(JSON.parse(stdout)).toEqual([{ path: 'one.csv', is_dir: false, file_size: 3 }]);
  });
});
