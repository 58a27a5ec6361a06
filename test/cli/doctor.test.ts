import { readdirSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { findFreePort } from '../setup/mlflow.ts';
import { loadOlderSqlite } from '../setup/older-databases.ts';
import { createRig } from './rig.ts';

describe('mlts doctor', () => {
  test('shows versions, stores, settings, programs and caches', async () => {
    await using rig = createRig();
    await rig.mlts(['experiments', 'create', '-n', 'one']);
    const { stdout, stderr, exitCode } = await rig.mlts(['doctor'], {
      env: { MLTS_GRACE_SECONDS: '3' },
    });
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const uri = `sqlite:///${rig.path('mlflow.db')}`;
    expect(stdout).toContain(
      `\nTracking URI: ${uri}\nTracking store: SQLite, schema dc11669786a5\n`,
    );
    expect(stdout).toContain(`\nRegistry URI: ${uri}\n`);
    expect(stdout).toContain(
      '\nMLflow environment variables:\n  MLTS_GRACE_SECONDS: 3\nPrograms:\n',
    );
    expect(stdout).toMatch(/^ {2}git: \d+\.\d+\S* \(\/.*git\)$/m);
    expect(stdout).toMatch(/^ {2}\/.*\/mlts: \d.*B \(Git mirrors and compiled code\)$/m);
  });

  test('shows no secrets, and with --mask-envs no values', async () => {
    await using rig = createRig();
    const env = {
      MLFLOW_TRACKING_TOKEN: 'abc',
      MLFLOW_TRACKING_URI: 'http://ada:pw@127.0.0.1:1/',
      MLFLOW_RUN_ID: 'visible',
    };
    const plain = await rig.mlts(['doctor'], { env });
    expect(plain.stdout).toContain('  MLFLOW_RUN_ID: visible\n  MLFLOW_TRACKING_TOKEN: ***\n');
    expect(plain.stdout + plain.stderr).not.toMatch(/abc|pw@/);
    const masked = await rig.mlts(['doctor', '--mask-envs'], { env });
    expect(masked.stdout).toContain('  MLFLOW_RUN_ID: ***\n');
  });

  test('makes nothing', async () => {
    await using rig = createRig();
    await rig.write({ 'empty/mlflow.db': '' });
    for (const uri of ['sqlite:///new/mlflow.db', 'new', 'sqlite:///empty/mlflow.db']) {
      const ended = await rig.mlts(['doctor'], { env: { MLFLOW_TRACKING_URI: uri } });
      expect(ended.stdout).toContain('not there yet: the first run makes it');
      expect(ended.exitCode).toBe(0);
    }
    expect(readdirSync(rig.directory).filter((name) => name !== 'home')).toEqual(['empty']);
    expect(readdirSync(rig.path('empty'))).toEqual(['mlflow.db']);
  });

  test('survives programs that do not work', async () => {
    await using rig = createRig();
    await rig.write({ 'bin/uv': '#!/bin/sh\nexit 3\n' });
    await chmod(rig.path('bin/uv'), 0o755);
    const env = { PATH: `${rig.path('bin')}:${rig.env.PATH}` };
    const { stdout } = await rig.mlts(['doctor'], { env });
    expect(stdout).toContain(`  uv: does not tell its version (${rig.path('bin/uv')})\n`);
  });
});

describe('what is broken is told with its mend, and in JSON', () => {
  const broken = [
    { name: 'no database', uri: 'sqlite:///text.db', says: 'the file is no SQLite database' },
    {
      name: 'a very old schema',
      uri: 'sqlite:///old.db',
      says: 'was made by an MLflow before 1.15',
    },
    { name: 'foreign tables', uri: 'sqlite:///foreign.db', says: 'but not those of MLflow' },
    { name: 'a file as folder', uri: 'text.db', says: 'is a file, not a folder' },
    { name: 'an unknown store', uri: 'mysql://host/x', says: 'mlts has no tracking store' },
    { name: 'no server', uri: 'http://127.0.0.1:PORT', says: 'connection refused' },
    { name: 'no PostgreSQL', uri: 'postgresql://u:pw@127.0.0.1:PORT/x', says: 'ECONNREFUSED' },
  ];

  test.each(broken)('$name', async ({ uri, says }) => {
    await using rig = createRig();
    await rig.write({
      'text.db': 'no database at all, but long enough to be looked at'.repeat(20),
    });
    fill(
      rig.path('old.db'),
      "create table alembic_version (version_num); insert into alembic_version values ('451aebb31d03')",
    );
    fill(rig.path('foreign.db'), 'create table recipes (name)');
    const env = { MLFLOW_TRACKING_URI: uri.replace('PORT', String(await findFreePort())) };
    const { stdout, stderr, exitCode } = await rig.mlts(['doctor', '-o', 'json'], { env });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
    expect(stderr.match(/^error:/gm)).toHaveLength(1);
    expect(stderr).toMatch(/^hint: /m);
    const { tracking } = JSON.parse(stdout) as { tracking: { problem: { message: string } } };
    expect(tracking.problem.message).toContain(says);
  });
});

test('a database of an older MLflow is shown with its revision, and how it can be written to', async () => {
  await using rig = createRig();
  await loadOlderSqlite('2.9.2', rig.path('old.db'));
  const env = { MLFLOW_TRACKING_URI: 'sqlite:///old.db' };
  const { stdout, stderr, exitCode } = await rig.mlts(['doctor'], { env });
  expect(exitCode).toBe(1);
  expect(stdout).toContain('SQLite, schema acf3f17fdcc7, can only be read: see below\n');
  expect(stderr).toMatch(
    /^error: .*older MLflow.*\nhint: .*mlts db upgrade sqlite:\/\/\/old\.db\n$/,
  );
  const json = JSON.parse((await rig.mlts(['doctor', '-o', 'json'], { env })).stdout);
  expect(json.tracking).toMatchObject({ usable: true, writable: false });
});

function fill(path: string, statements: string): void {
  const database = new DatabaseSync(path);
  database.exec(statements);
  database.close();
}
