import { copyFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import { openUpgradable, upgradeDatabase } from '../../src/sql/migrations/upgrade.ts';
import { revisions } from '../../src/sql/schema/revisions.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython } from '../setup/mlflow.ts';
import {
  type Contents,
  loadOlderPostgres,
  loadOlderSqlite,
  readPostgresContents,
  readSqliteContents,
  upgradeWithMlflow,
} from '../setup/older-databases.ts';
import { fillWithOlderMlflow, OLDER_VERSIONS } from '../setup/older-mlflow.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';
import { TRACE_ROWS } from './trace-rows.ts';

async function upgrade(uri: string): Promise<void> {
  const context = createTestContext();
  const database = await openUpgradable(uri, context);
  if (database === undefined) throw new Error(`no database: ${uri}`);
  await upgradeDatabase(database, uri, context, () => {});
  await database.close();
}

const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'mlts-upgrade-'));

const newest = expect.arrayContaining([JSON.stringify([['version_num', revisions[0]]])]);

describe('SQLite databases of older MLflow versions', () => {
  let folder: string;
  const at = (version: string, who: string) => join(folder, `${version}-${who}.db`);
  beforeAll(async () => {
    folder = await makeFolder();
    for (const version of OLDER_VERSIONS) {
      for (const who of ['ours', 'theirs']) await loadOlderSqlite(version, at(version, who));
    }
    await upgradeWithMlflow(OLDER_VERSIONS.map((version) => `sqlite:///${at(version, 'theirs')}`));
  });

  test.each(OLDER_VERSIONS)(
    '%s: every definition and row as MLflow leaves them',
    async (version) => {
      await upgrade(`sqlite:///${at(version, 'ours')}`);
      const upgraded = readSqliteContents(at(version, 'ours'));
      expect(upgraded).toEqual(readSqliteContents(at(version, 'theirs')));
      expect(upgraded.rows.alembic_version).toEqual(newest);
      expect(upgraded.rows.runs).toHaveLength(3);
    },
  );

  test('the one in the fixtures is what that version still makes', async () => {
    const version = '2.14.3';
    const [made, kept] = [at(version, 'made'), at(version, 'kept')];
    await fillWithOlderMlflow(version, `sqlite:///${made}`);
    await loadOlderSqlite(version, kept);
    const count = ({ rows }: Contents) =>
      Object.fromEntries(Object.entries(rows).map(([table, { length }]) => [table, length]));
    const [fresh, fixture] = [readSqliteContents(made), readSqliteContents(kept)];
    expect(fresh.definitions).toEqual(fixture.definitions);
    expect(count(fresh)).toEqual(count(fixture));
  });
});

describeOnPostgres('PostgreSQL databases of older MLflow versions', (postgres) => {
  const versions = ['2.0.1', '2.14.3', '3.4.0', '3.9.0'];
  const theirs = new Map<string, string>();
  beforeAll(async () => {
    for (const version of versions)
      theirs.set(version, await loadOlderPostgres(version, postgres()));
    await upgradeWithMlflow([...theirs.values()]);
  });

  test.each(versions)('%s: every definition and row as MLflow leaves them', async (version) => {
    const uri = await loadOlderPostgres(version, postgres());
    await upgrade(uri);
    const upgraded = await readPostgresContents(postgres(), uri);
    const expected = await readPostgresContents(postgres(), theirs.get(version) ?? '');
    expect(upgraded.definitions).toBe(expected.definitions);
    expect(upgraded.rows).toEqual(expected.rows);
    expect(upgraded.rows.alembic_version).toEqual(newest);
  });

  test('what traces hold moves as MLflow moves it', async () => {
    const [ours, other] = [await postgres().createDatabase(), await postgres().createDatabase()];
    await askPython(STOP_BEFORE_TRACES, [ours, other, TRACE_ROWS]);
    await Promise.all([upgrade(ours), upgradeWithMlflow([other])]);
    expect((await readPostgresContents(postgres(), ours)).rows).toEqual(
      (await readPostgresContents(postgres(), other)).rows,
    );
  });
});

/** MLflow's own migrations, stopped after each: `argv[1]` is the folder of the databases. */
const STOP_AT_EACH = `
import json, shutil, sys
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from mlflow.store.db.utils import InitialBase, _get_alembic_config
path = f"{sys.argv[1]}/growing.db"
engine = sa.create_engine(f"sqlite:///{path}")
InitialBase.metadata.create_all(engine)
config = _get_alembic_config(str(engine.url))
revisions = [found.revision for found in ScriptDirectory.from_config(config).walk_revisions()][::-1]
for revision in revisions:
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    shutil.copy(path, f"{sys.argv[1]}/{revision}.db")
print(json.dumps(revisions))
`;

/** The last arguments are databases; each is made up to the revision before traces change, and given rows. */
const STOP_BEFORE_TRACES = `
import sys
import sqlalchemy as sa
from alembic import command
from mlflow.store.db.utils import InitialBase, _get_alembic_config
*urls, rows = sys.argv[1:]
for url in urls:
    engine = sa.create_engine(url)
    InitialBase.metadata.create_all(engine)
    config = _get_alembic_config(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "b7e2c1a4d9f3")
    with engine.begin() as connection:
        for statement in rows.split(";\\n"):
            connection.exec_driver_sql(statement.replace("%", "%%") if "postgres" in url else statement)
print("{}")
`;

describe('every revision on its way', () => {
  let folder: string;
  let made: readonly string[];
  beforeAll(async () => {
    folder = await makeFolder();
    made = await askPython<string[]>(STOP_AT_EACH, [folder]);
  });

  /** A database at the revision before traces change, with rows. */
  async function makeBeforeTraces(name: string, ...rows: readonly string[]): Promise<string> {
    const path = join(folder, `${name}.db`);
    await copyFile(join(folder, 'b7e2c1a4d9f3.db'), path);
    const file = new DatabaseSync(path, { enableForeignKeyConstraints: false });
    for (const statements of [TRACE_ROWS, ...rows]) file.exec(statements);
    file.close();
    return path;
  }

  test('what traces hold moves as MLflow moves it', async () => {
    const [ours, theirs] = [await makeBeforeTraces('ours'), await makeBeforeTraces('theirs')];
    await Promise.all([upgrade(`sqlite:///${ours}`), upgradeWithMlflow([`sqlite:///${theirs}`])]);
    const { rows } = readSqliteContents(ours);
    expect(rows).toEqual(readSqliteContents(theirs).rows);
    expect(rows.trace_info?.join()).toContain('["total_tokens","9007199254740993"]');
  });

  test.each([
    [
      'spans of a trace that is not there',
      "insert into spans (trace_id, experiment_id, span_id, status, start_time_unix_nano, content) values ('gone', 0, 's', 'OK', 1, '{}')",
      /spans belong to a missing trace, gone/,
    ],
    [
      'dimensions without a column',
      `update spans set dimension_attributes = '{"tier": 2}' where span_id = 'b'`,
      /span gateway\/b has dimensions/,
    ],
  ])('%s: refused, as by MLflow, and nothing is changed', async (name, rows, message) => {
    const path = await makeBeforeTraces(name, rows);
    const before = readSqliteContents(path);
    await expect(upgrade(`sqlite:///${path}`)).rejects.toThrow(message);
    expect(readSqliteContents(path)).toEqual(before);
    await expect(upgradeWithMlflow([`sqlite:///${path}`])).rejects.toThrow(
      /Cannot (backfill|drop)/,
    );
  });

  test('leads to the newest, from MLflow 1.15 on', async () => {
    expect(made.toReversed()).toEqual(revisions);
    const expected = readSqliteContents(join(folder, `${revisions[0]}.db`));
    const known = made.slice(made.indexOf('39d1c3be5f05'), -1);
    expect(known.length).toBeGreaterThan(50);
    for (const revision of known) {
      const path = join(folder, `${revision}.db`);
      await upgrade(`sqlite:///${path}`);
      expect([revision, readSqliteContents(path)]).toEqual([revision, expected]);
    }
  });
});
