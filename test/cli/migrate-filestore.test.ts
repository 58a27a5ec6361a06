import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { mountSmallDisk, whyNoSmallDisk } from '../setup/small-disk.ts';
import { createRig, type Rig } from './rig.ts';

const RUN = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);
const COMMAND = ['migrate-filestore', '--source', 'mlruns', '--target', 'sqlite:///new.db'];

const experiment = (id: string, name: string) =>
  `artifact_location: /tmp/${id}\nexperiment_id: '${id}'\nlifecycle_stage: active\nname: ${name}\n`;
const run = (id: string, more = 'status: 3') =>
  `run_id: ${id}\nrun_uuid: ${id}\nexperiment_id: '1'\nlifecycle_stage: active\nstart_time: 1\n${more}\n`;

/** One experiment with one run that are as they should be. */
async function writeStore(rig: Rig, more: Readonly<Record<string, string>> = {}): Promise<void> {
  await rig.write({
    'mlruns/1/meta.yaml': experiment('1', 'one'),
    [`mlruns/1/${RUN}/meta.yaml`]: run(RUN),
    [`mlruns/1/${RUN}/params/alpha`]: '0.5',
    [`mlruns/1/${RUN}/metrics/loss`]: '1 0.5 0\n2 0.25 1\n',
    ...more,
  });
}

function query(path: string, statement: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database
      .prepare(statement)
      .all()
      .map((row) => Object.values(row).join(' '));
  } finally {
    database.close();
  }
}

/** What is in the folder, but for what the test put there. */
async function listLeft(rig: Rig): Promise<readonly string[]> {
  return (await readdir(rig.directory)).filter((name) => !['mlruns', 'home'].includes(name));
}

describe('damaged parts are told by name and left behind, the rest is there', () => {
  const cases: Readonly<Record<string, { files: Readonly<Record<string, string>>; told: string }>> =
    {
      'a meta.yaml that is cut off': {
        files: { [`mlruns/1/${OTHER}/meta.yaml`]: "run_id: 'b" },
        told: `mlruns/1/${OTHER}/meta.yaml is damaged: it holds no YAML mapping`,
      },
      'an empty meta.yaml': {
        files: { [`mlruns/1/${OTHER}/meta.yaml`]: '' },
        told: `mlruns/1/${OTHER}/meta.yaml is damaged: it holds no YAML mapping`,
      },
      'a run without meta.yaml': {
        files: { [`mlruns/1/${OTHER}/params/p`]: '1' },
        told: `mlruns/1/${OTHER} has no meta.yaml`,
      },
      'a status that is none': {
        files: { [`mlruns/1/${OTHER}/meta.yaml`]: run(OTHER, 'status: 9') },
        told: `mlruns/1/${OTHER}: its status is \`9\``,
      },
      'a stage that is none': {
        files: { [`mlruns/1/${OTHER}/meta.yaml`]: run(OTHER).replace('active', 'idle') },
        told: `mlruns/1/${OTHER}: the table \`runs\` does not take it: CHECK constraint failed: runs_lifecycle_stage`,
      },
      'a run under the name of another': {
        files: { [`mlruns/1/${OTHER}/meta.yaml`]: run(RUN) },
        told: `mlruns/1/${OTHER}: its run_id is \`${RUN}\``,
      },
      'the same run twice': {
        files: {
          'mlruns/2/meta.yaml': experiment('2', 'two'),
          [`mlruns/2/${RUN}/meta.yaml`]: run(RUN),
        },
        told: `mlruns/2/${RUN}: another folder holds run ${RUN} too`,
      },
      'a metric line that is no number': {
        files: { [`mlruns/1/${RUN}/metrics/acc`]: '1 0.5 0\n2 high 1\n' },
        told: `mlruns/1/${RUN}/metrics/acc:2: \`2 high 1\` is no value`,
      },
      'two experiments of one name': {
        files: {
          'mlruns/2/meta.yaml': experiment('2', 'one'),
          [`mlruns/2/${OTHER}/meta.yaml`]: run(OTHER),
        },
        told: 'mlruns/2: another experiment has its id or its name, `one`; left behind with it, runs: 1',
      },
      'an experiment without meta.yaml': {
        files: { [`mlruns/2/${OTHER}/meta.yaml`]: run(OTHER) },
        told: 'mlruns/2 has no meta.yaml; left behind with it, runs: 1',
      },
      'an experiment whose id is no number': {
        files: { 'mlruns/abc/meta.yaml': experiment('abc', 'two') },
        told: 'mlruns/abc: a database takes numbers as experiment ids only',
      },
      'an input whose dataset is gone': {
        files: { [`mlruns/1/${RUN}/inputs/i/meta.yaml`]: 'source_type: DATASET\nsource_id: d\n' },
        told: `mlruns/1/${RUN}/inputs/i: its dataset, d, is not there`,
      },
      'an alias that names no version': {
        files: { 'mlruns/models/m/meta.yaml': 'name: m\n', 'mlruns/models/m/aliases/best': 'two' },
        told: 'mlruns/models/m/aliases/best: `two` is no version',
      },
    };

  test.each(Object.entries(cases))('%s', async (_, { files, told }) => {
    await using rig = createRig();
    await writeStore(rig, files);
    const ended = await rig.mlts(COMMAND);
    expect(ended.stderr).toContain(`warning: left behind: ${rig.directory}/${told}\n`);
    expect(ended.stderr).toContain(
      'error: 1 thing could not be read, as told above; the rest is complete\nhint: keep the folder',
    );
    expect(ended.exitCode).toBe(3);
    expect(query(rig.path('new.db'), 'select run_uuid, key, value from params')).toEqual([
      `${RUN} alpha 0.5`,
    ]);
    const loss = "select timestamp, value, step from metrics where key = 'loss'";
    expect(query(rig.path('new.db'), loss)).toEqual(['1 0.5 0', '2 0.25 1']);
    expect(await listLeft(rig)).toEqual(['new.db']);
  });
});

test('a param that is no text is told, its run is there', async () => {
  await using rig = createRig();
  await writeStore(rig);
  await writeFile(rig.path('mlruns', '1', RUN, 'params', 'binary'), Buffer.from([0xff, 0xfe]));
  const ended = await rig.mlts(COMMAND);
  expect(ended.stderr).toContain(
    `left behind: ${rig.path('mlruns', '1', RUN, 'params', 'binary')}`,
  );
  expect(ended.exitCode).toBe(3);
  expect(query(rig.path('new.db'), 'select key from params')).toEqual(['alpha']);
});

test('a value logged twice is one row, and counted', async () => {
  await using rig = createRig();
  await writeStore(rig, { [`mlruns/1/${RUN}/metrics/loss`]: '1 0.5 0\n1 0.5 0\n' });
  const ended = await rig.mlts([...COMMAND, '-o', 'json', '--no-progress']);
  expect(ended).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(ended.stdout)).toContainEqual({ entity: 'metrics', stored: 1, repeated: 1 });
  expect(JSON.parse(ended.stdout)).toContainEqual({ entity: 'runs', stored: 1, repeated: 0 });
});

test('names that YAML takes for something else stay as they are', async () => {
  await using rig = createRig();
  const names = ['y', 'E1', '1e3', '12:30:45', '0o17', '=', "it''s", '2024-01-01'];
  const files = names.map((name, index): [string, string] => [
    `mlruns/${index + 10}/meta.yaml`,
    experiment(`${index + 10}`, name === "it''s" ? `'${name}'` : name),
  ]);
  await writeStore(rig, Object.fromEntries(files));
  await rig.mlts(COMMAND);
  expect(query(rig.path('new.db'), 'select name from experiments order by experiment_id')).toEqual([
    ...['one', 'y', 'E1', '1e3', '45045', '0o17', '=', "it's", '2024-01-01'],
  ]);
});

test('a dry run tells the same and leaves nothing', async () => {
  await using rig = createRig();
  await writeStore(rig);
  const dry = await rig.mlts([...COMMAND, '--dry-run']);
  expect(dry).toMatchObject({ exitCode: 0 });
  expect(dry.stderr).toContain(
    `would be in ${rig.path('new.db')}; nothing was written (--dry-run)`,
  );
  expect(await listLeft(rig)).toEqual([]);
  expect((await rig.mlts(COMMAND)).stdout).toBe(dry.stdout);
});

describe('a database that is there', () => {
  test('is replaced only where somebody says so', async () => {
    await using rig = createRig();
    await writeStore(rig);
    await rig.mlts(COMMAND);
    const before = await readFile(rig.path('new.db'));
    await rig.write({ 'mlruns/2/meta.yaml': experiment('2', 'two') });
    for (const input of ['', 'n\n', 'maybe\n']) {
      const refused = await rig.mlts(COMMAND, { input });
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain(`error: ${rig.path('new.db')} exists already`);
      expect(await readFile(rig.path('new.db'))).toEqual(before);
    }
    expect((await rig.mlts(COMMAND, { input: 'y\n' })).exitCode).toBe(0);
    expect(query(rig.path('new.db'), 'select name from experiments')).toEqual(['one', 'two']);
    await rig.write({ 'mlruns/3/meta.yaml': experiment('3', 'three') });
    expect((await rig.mlts([...COMMAND, '--yes'])).exitCode).toBe(0);
    expect(query(rig.path('new.db'), 'select count(*) from experiments')).toEqual(['3']);
    expect(await listLeft(rig)).toEqual(['new.db']);
  });

  test('and has a journal is replaced with it', async () => {
    await using rig = createRig();
    await writeStore(rig);
    const old = new DatabaseSync(rig.path('new.db'));
    old.exec('pragma journal_mode = wal; create table t (x); insert into t values (1)');
    const journal = await readFile(rig.path('new.db-wal'));
    const file = await readFile(rig.path('new.db'));
    old.close();
    await writeFile(rig.path('new.db'), file);
    await writeFile(rig.path('new.db-wal'), journal);
    expect(await rig.mlts([...COMMAND, '--yes'])).toMatchObject({ exitCode: 0 });
    expect(await listLeft(rig)).toEqual(['new.db']);
    expect(query(rig.path('new.db'), 'select name from experiments')).toEqual(['one']);
  });

  test('and in use is left alone', async () => {
    await using rig = createRig();
    await writeStore(rig);
    const old = new DatabaseSync(rig.path('new.db'));
    old.exec('create table t (x); begin immediate; insert into t values (1)');
    const refused = await rig.mlts([...COMMAND, '--yes']);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(`error: ${rig.path('new.db')} is in use by another program`);
    old.exec('commit');
    expect(old.prepare('select x from t').all()).toHaveLength(1);
    old.close();
  });

  test('and is something else is left alone', async () => {
    await using rig = createRig();
    await writeStore(rig, { 'new.db': 'my diary'.repeat(100) });
    const refused = await rig.mlts([...COMMAND, '--yes']);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(`${rig.path('new.db')} is there, and is no SQLite database`);
    expect(await readFile(rig.path('new.db'), 'utf8')).toContain('my diary');
  });
});

describe('a wrong command line', () => {
  test.each([
    [['--source', 'nowhere', '--target', 'sqlite:///x.db'], 2, 'there is no folder'],
    [['--source', 'home', '--target', 'sqlite:///x.db'], 1, 'holds no file store'],
    [['--source', 'mlruns', '--target', 'postgresql://h/d'], 2, 'takes a SQLite database only'],
    [['--source', 'mlruns', '--target', 'sqlite:///no/x.db'], 2, 'there is no folder'],
    [['--source', 'mlruns', '--target', 'sqlite:///mlruns'], 1, 'is a folder'],
    [['--source', 'mlruns'], 2, "required option '--target <uri>' not specified"],
  ])('%j', async (args, exitCode, told) => {
    await using rig = createRig();
    await writeStore(rig, { 'home/x': '' });
    const ended = await rig.mlts(['migrate-filestore', ...args]);
    expect(ended.stderr).toMatch(/^error: /);
    expect(ended.stderr).toContain(told);
    expect(ended.stderr).toContain('\nhint: ');
    expect(ended.exitCode).toBe(exitCode);
    expect(await listLeft(rig)).toEqual([]);
  });
});

/** Enough for a while: runs with many params each. */
async function writeManyRuns(rig: Rig, count: number): Promise<void> {
  await writeStore(rig);
  for (let index = 0; index < count; index += 1) {
    const id = index.toString(16).padStart(32, 'c');
    await rig.write({ [`mlruns/1/${id}/meta.yaml`]: run(id) });
    await rig.write({ [`mlruns/1/${id}/metrics/m`]: '1 0.5 0\n' });
    await appendFile(rig.path('mlruns', '1', id, 'metrics', 'm'), manyLines);
  }
}
const manyLines = Array.from({ length: 2_000 }, (_, step) => `${step} 0.5 ${step}\n`).join('');

test('interrupted, it leaves what was there', async () => {
  await using rig = createRig();
  await writeManyRuns(rig, 300);
  await writeFile(rig.path('new.db'), '');
  const started = rig.start([...COMMAND, '--yes']);
  while (!(await listLeft(rig)).some((name) => name.startsWith('.new.db-'))) await sleep(5);
  started.kill('SIGINT');
  expect(await started.ended).toMatchObject({ exitCode: 130, stdout: '' });
  expect(await listLeft(rig)).toEqual(['new.db']);
  expect(await readFile(rig.path('new.db'), 'utf8')).toBe('');
});

test('a full disk is told, and leaves nothing', async ({ skip }) => {
  const reason = await whyNoSmallDisk();
  if (reason !== undefined) skip(reason);
  await using rig = createRig();
  await writeManyRuns(rig, 50);
  await using disk = await mountSmallDisk(rig.path('disk'), 2_000);
  const target = `sqlite:///${disk.path}/new.db`;
  const ended = await rig.mlts(['migrate-filestore', '--source', 'mlruns', '--target', target]);
  expect(ended.exitCode).toBe(1);
  expect(ended.stderr).toMatch(/error: .*new\.db: the disk is full\nhint: free some space/);
  expect(await readdir(disk.path)).toEqual([]);
});
