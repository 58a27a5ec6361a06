import { readFile, stat, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { revisions } from '../../src/sql/schema/revisions.ts';
import { loadOlderSqlite, readSqliteContents } from '../setup/older-databases.ts';
import { bin, createRig, type Rig } from './rig.ts';

const URI = 'sqlite:///mlflow.db';
const [newest] = revisions;

let rig: Rig;
let path: string;
beforeEach(async () => {
  rig = createRig();
  path = rig.path('mlflow.db');
});
afterEach(() => rig[Symbol.asyncDispose]());

const change = (...statements: readonly string[]) => {
  const file = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  for (const statement of statements) file.exec(statement);
  file.close();
};

/** Enough traces with a name for the upgrade to take some seconds. */
const MANY_TRACES = `
  create temporary table counted as
    with recursive counted(n) as (select 1 union all select n + 1 from counted where n < 40000)
    select 'trace-' || n as id from counted;
  insert into trace_info (request_id, experiment_id, timestamp_ms, status) select id, 0, 1, 'OK' from counted;
  insert into trace_tags (request_id, key, value) select id, 'mlflow.traceName', id from counted;`;

const readRevision = () => readSqliteContents(path).rows.alembic_version?.join();

describe('mlts db upgrade', () => {
  test('says from where to where, and leaves a current database as it is', async () => {
    await loadOlderSqlite('2.9.2', path);
    expect(await rig.mlts(['db', 'upgrade', URI])).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: `upgrading ${URI}\nupgraded ${URI} from schema acf3f17fdcc7 to ${newest}, in 44 steps\n`,
    });
    const before = await readFile(path);
    expect(await rig.mlts(['db', 'upgrade', URI])).toMatchObject({
      exitCode: 0,
      stderr: `${URI} has the newest schema already, ${newest}: nothing to do\n`,
    });
    expect(await readFile(path)).toEqual(before);
  });

  test('--dry-run prints the steps and changes nothing', async () => {
    await loadOlderSqlite('3.9.0', path);
    const before = await readFile(path);
    const { stdout, stderr } = await rig.mlts(['db', 'upgrade', '--dry-run', URI]);
    expect(stdout.split('\n')[0]).toBe('d0e1f2a3b4c5  experiments of endpoints');
    expect(stderr).toBe(
      `would upgrade ${URI} from schema d3e4f5a6b7c8 to ${newest}, in 21 steps\n`,
    );
    expect(await readFile(path)).toEqual(before);
  });

  test('where there is no database yet, one is made, as by MLflow; --dry-run makes none', async () => {
    const planned = await rig.mlts(['db', 'upgrade', '-n', 'sqlite:///new/mlflow.db']);
    expect(planned.stderr).toBe('would make a new database, sqlite:///new/mlflow.db\n');
    await expect(stat(rig.path('new'))).rejects.toThrow();
    const made = await rig.mlts(['db', 'upgrade', 'sqlite:///new/mlflow.db']);
    expect(made.stderr).toBe('made a new database, sqlite:///new/mlflow.db\n');
    path = rig.path('new', 'mlflow.db');
    expect(readRevision()).toContain(newest);
  });

  test('columns, indexes, triggers and views of somebody else stay', async () => {
    await loadOlderSqlite('2.0.1', path);
    change(
      'alter table params add column noted_by text',
      "update params set noted_by = 'ann' where key = 'alpha'",
      'create index own_index on params (value, noted_by)',
      'create table own_log (key text)',
      'create trigger own_trigger after insert on params begin insert into own_log values (new.key); end',
      'create view own_view as select key, value from params',
    );
    expect((await rig.mlts(['db', 'upgrade', URI])).exitCode).toBe(0);
    const { definitions, rows } = readSqliteContents(path);
    expect(Object.keys(definitions as object)).toEqual(
      expect.arrayContaining(['index own_index', 'trigger own_trigger', 'view own_view']),
    );
    expect(rows.params?.join()).toContain('["noted_by","ann"]');
    expect(rows.own_log).toEqual([]);
  });

  test.each([
    [
      'a database that is none',
      'http://localhost:5000',
      /SQLite and PostgreSQL/,
      /backend-store-uri/,
    ],
    ['another kind', 'mysql://u:secret@h/db', /mysql:\/\/[^ ]*@h\/db/, /mlflow db upgrade URL/],
    ['a damaged address', 'sqlite://', /names no database file/, /sqlite:\/\/\/mlflow\.db/],
  ])('%s is refused', async (_name, uri, says, hint) => {
    const { stderr, exitCode } = await rig.mlts(['db', 'upgrade', uri]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(new RegExp(`^error: .*${says.source}.*\nhint: .*${hint.source}.*\n$`));
    expect(stderr).not.toContain('secret');
  });

  test.each([
    ['newer', "insert into alembic_version values ('ffffffffffff')", /newer MLflow than 3\.17\.2/],
    ['of MLflow 1.0', "insert into alembic_version values ('451aebb31d03')", /before 1\.15/],
    ['not of MLflow', 'drop table alembic_version', /not those of MLflow/],
  ])('a database %s is refused and left as it is', async (_name, statement, says) => {
    change('create table alembic_version (version_num text)', 'create table t (a)', statement);
    const before = await readFile(path);
    const { stderr, exitCode } = await rig.mlts(['db', 'upgrade', URI]);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(says)]);
    expect(await readFile(path)).toEqual(before);
  });

  test('the verbs that are left to MLflow say so', async () => {
    const { stderr, exitCode } = await rig.mlts(['db', 'move-resources', '--from', 'a']);
    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      'error: mlts has no `db move-resources`\nhint: use: mlflow db move-resources\n',
    );
  });
});

describe('what comes in between', () => {
  test('five upgrades at once: one does it, the others find it done', async () => {
    await loadOlderSqlite('2.22.2', path);
    const all = await Promise.all(
      Array.from({ length: 5 }, () => rig.mlts(['db', 'upgrade', URI])),
    );
    expect(all.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0]);
    const steps = all.filter(({ stderr }) => stderr.includes('in 39 steps'));
    const nothing = all.filter(({ stderr }) => stderr.includes('nothing to do'));
    expect([steps.length, nothing.length]).toEqual([1, 4]);
    expect(readRevision()).toContain(newest);
  });

  test('a file that somebody writes to is waited for', async () => {
    await loadOlderSqlite('3.0.1', path);
    const other = new DatabaseSync(path);
    other.exec("begin immediate; update experiments set name = 'renamed' where experiment_id = 1");
    const upgrade = rig.mlts(['db', 'upgrade', URI]);
    await sleep(1_000);
    other.exec('commit');
    other.close();
    expect(await upgrade).toMatchObject({ exitCode: 0 });
    expect(readSqliteContents(path).rows.experiments?.join()).toContain('["name","renamed"]');
  });

  test.each([
    ['SIGKILL', undefined],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s leaves the database as it was', async (signal, exitCode) => {
    await loadOlderSqlite('3.9.0', path);
    change(MANY_TRACES);
    const before = readSqliteContents(path);
    const started = rig.start(['db', 'upgrade', URI]);
    // Until it writes: SQLite keeps what it replaces beside the database.
    while ((await stat(`${path}-journal`).catch(() => undefined)) === undefined) await sleep(20);
    await sleep(100);
    started.kill(signal);
    const ended = await started.ended;
    expect(ended.exitCode).toBe(exitCode);
    expect(ended.stderr).toBe(`upgrading ${URI}\n`);
    expect(readSqliteContents(path)).toEqual(before);
    expect(await rig.mlts(['db', 'upgrade', URI])).toMatchObject({ exitCode: 0 });
  });

  test('a file that may not grow: one line, and the database as it was', async () => {
    await loadOlderSqlite('2.0.1', path);
    const before = readSqliteContents(path);
    await writeFile(rig.path('limited.sh'), 'ulimit -f 300\nexec "$@"\n');
    const { stderr, exitCode } = await execa('bash', ['limited.sh', bin, 'db', 'upgrade', URI], {
      cwd: rig.directory,
      env: rig.env,
      extendEnv: false,
      reject: false,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: .*mlflow\.db: the disk .*\nhint: .*$/m);
    expect(readSqliteContents(path)).toEqual(before);
  });
});
