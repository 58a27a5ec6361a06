import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { revisions } from '../../src/sql/schema/revisions.ts';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { testLoggedModels } from '../contracts/logged-models.ts';
import { testSearch } from '../contracts/search.ts';
import { testStoredNames } from '../contracts/stored-names.ts';
import { testTrackingStore } from '../contracts/tracking-store.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython } from '../setup/mlflow.ts';
import { makeWithMlflow } from '../setup/mlflow-database.ts';

const OPEN = fileURLToPath(new URL('../../src/tracking/open.ts', import.meta.url));

const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'mlts-tracking-'));

const open = (cwd: string, uri = 'sqlite:///mlflow.db') =>
  openTrackingStore(uri, createTestContext({ cwd }));

testTrackingStore('SQLite', async () => open(await makeFolder(), 'sqlite:///some/mlflow.db'));
testSearch('SQLite', async () => open(await makeFolder(), 'sqlite:///some/mlflow.db'));
testLoggedModels('SQLite', async () => open(await makeFolder(), 'sqlite:///some/mlflow.db'));
testStoredNames('SQLite', async () => `sqlite:///${join(await makeFolder(), 'mlflow.db')}`, {
  kind: 'SQLite',
  schemaRevision: revisions[0],
});

const RUN = { experimentId: '0', userId: 'ann', startTimeMs: 1_700_000_000_000, tags: [] };

/**
 * Everything that SQLite knows of a database's definitions, and the rows that are there. MLflow's own
 * migrations put constraints and indexes in another order each time: they are sorted.
 */
function describeDatabase(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  const all = (query: string) => database.prepare(query).all() as Record<string, unknown>[];
  const definitions = all(
    'select type, name, tbl_name, sql from sqlite_master order by type, name',
  );
  const tables = definitions.filter(({ type }) => type === 'table').map(({ name }) => String(name));
  const columnsOf = (index: unknown) =>
    all(`pragma index_info("${index}")`).map(({ name }) => name);
  const described = {
    journal: all('pragma journal_mode'),
    definitions: definitions.map((row) => ({ ...row, sql: splitDefinition(String(row.sql)) })),
    tables: tables.map((name) => ({
      name,
      columns: all(`pragma table_info("${name}")`),
      indexes: all(`pragma index_list("${name}")`)
        .map((index) => JSON.stringify([index.unique, index.origin, columnsOf(index.name)]))
        .sort(),
      foreignKeys: all(`pragma foreign_key_list("${name}")`)
        .map(({ id, ...key }) => JSON.stringify(key))
        .sort(),
      rows: all(`select * from "${name}"`).map(
        ({ creation_time, last_update_time, ...row }) => row,
      ),
    })),
  };
  database.close();
  return described;
}

function splitDefinition(sql: string): readonly string[] {
  const parts = sql
    .replace(/\s+/g, ' ')
    .replace(/ ?\)$/, '')
    .split(/ \( | \(|, /);
  return parts.map((part) => part.trim()).sort();
}

describe('a new database', () => {
  test('is the one that MLflow makes', async () => {
    const folder = await makeFolder();
    await makeWithMlflow(`sqlite:///${folder}/theirs.db`, folder);
    await (await open(folder, 'sqlite:///ours.db')).close();
    expect(describeDatabase(join(folder, 'ours.db'))).toEqual(
      describeDatabase(join(folder, 'theirs.db')),
    );
    expect(await readdir(folder)).toEqual(['ours.db', 'theirs.db']);
  });

  test('ten processes that make one at once make one, and each its run', async () => {
    const folder = await makeFolder();
    const script = `
      const { openTrackingStore } = await import(${JSON.stringify(OPEN)});
      const never = new AbortController().signal;
      const store = await openTrackingStore('sqlite:///mlflow.db', {
        cwd: process.cwd(), env: {}, now: Date.now, terminal: {}, interrupts: { signal: never, force: never },
      });
      await store.createRun(${JSON.stringify(RUN)});
      await store.close();`;
    const run = promisify(execFile);
    await Promise.all(
      Array.from({ length: 10 }, () =>
        run(process.execPath, ['--input-type=module', '-e', script], { cwd: folder }),
      ),
    );
    const database = new DatabaseSync(join(folder, 'mlflow.db'), { readOnly: true });
    expect(database.prepare('select count(*) as runs from runs').get()).toEqual({ runs: 10 });
    expect(database.prepare('select count(*) as n from experiments').get()).toEqual({ n: 1 });
    database.close();
  });

  test('that MLflow is still making is waited for', async () => {
    const folder = await makeFolder();
    const made = makeWithMlflow(`sqlite:///${folder}/mlflow.db`, folder);
    const size = () => stat(join(folder, 'mlflow.db')).catch(() => ({ size: 0 }));
    while ((await size()).size === 0) await sleep(20);
    const store = await open(folder);
    await store.createRun(RUN);
    await store.close();
    await made;
  });
});

describe('with Python', () => {
  let folder = '';
  beforeAll(async () => {
    folder = join(await makeFolder(), 'a folder % with #?é');
    await mkdir(folder);
  });

  test('it reads what mlts wrote, and goes on with it', async () => {
    const store = await open(folder);
    const experimentId = await store.createExperiment({ name: 'ours' });
    const { info } = await store.createRun({ ...RUN, experimentId, runName: 'shared' });
    await store.logBatch(info.id, {
      params: [{ key: 'a', value: "it's 1" }],
      tags: [{ key: 't', value: 'v' }],
      metrics: [{ key: 'm', value: Number.NaN, step: 2, timestampMs: 5 }],
    });
    const script = `
import json, sys
import mlflow
from mlflow import MlflowClient
assert mlflow.get_tracking_uri() == sys.argv[1], mlflow.get_tracking_uri()
client = MlflowClient()
run = client.get_run(sys.argv[2])
client.log_metric(run.info.run_id, "m", 0.25, step=3, timestamp=7)
client.log_param(run.info.run_id, "b", "2")
client.set_terminated(run.info.run_id, "FAILED", 9)
print(json.dumps({
  "name": run.info.run_name, "status": run.info.status, "artifacts": run.info.artifact_uri,
  "start": run.info.start_time, "user": run.info.user_id, "params": run.data.params,
  "tags": run.data.tags, "metrics": {k: str(v) for k, v in run.data.metrics.items()},
  "found": [r.info.run_name for r in client.search_runs([run.info.experiment_id], "params.a LIKE 'it%'")],
}))`;
    expect(await askPython(script, [store.uri, info.id], { cwd: folder })).toEqual({
      name: 'shared',
      status: 'RUNNING',
      artifacts: join(folder, 'mlruns', experimentId, info.id, 'artifacts'),
      start: RUN.startTimeMs,
      user: 'ann',
      params: { a: "it's 1" },
      tags: { t: 'v', 'mlflow.runName': 'shared' },
      metrics: { m: 'nan' },
      found: ['shared'],
    });
    const after = await store.getRun(info.id);
    expect(after.info).toEqual({ ...info, status: 'FAILED', endTimeMs: 9 });
    expect(after.metrics).toEqual([{ key: 'm', value: 0.25, step: 3, timestampMs: 7 }]);
    expect(after.params).toContainEqual({ key: 'b', value: '2' });
    await store.close();
  });

  test('mlts reads what Python wrote', async () => {
    const script = `
import json, mlflow
mlflow.set_experiment("theirs")
with mlflow.start_run(run_name="π", tags={"k": "v"}) as run:
    mlflow.log_params({"lr": 0.1, "none": None})
    mlflow.log_metric("inf", float("inf"))
    mlflow.log_metric("m", 1, step=1)
    mlflow.log_metric("m", 5, step=0)
print(json.dumps([run.info.run_id, run.info.artifact_uri, run.info.experiment_id]))`;
    const [runId = '', artifactUri, id = ''] = await askPython<string[]>(script, [], {
      cwd: folder,
    });
    const store = await open(folder);
    const run = await store.getRun(runId);
    expect(run.info).toMatchObject({
      name: 'π',
      status: 'FINISHED',
      artifactUri,
      experimentId: id,
    });
    expect(run.params).toEqual([
      { key: 'lr', value: '0.1' },
      { key: 'none', value: 'None' },
    ]);
    expect(run.tags).toContainEqual({ key: 'k', value: 'v' });
    expect(run.metrics).toMatchObject([
      { key: 'inf', value: Number.MAX_VALUE },
      { key: 'm', value: 1, step: 1 },
    ]);
    expect(await store.getExperimentByName('theirs')).toMatchObject({
      id,
      artifactLocation: join(folder, 'mlruns', id),
    });
    await store.close();
  });

  test('what Python deleted is shown as deleted and takes nothing more', async () => {
    const store = await open(folder);
    const [experimentId, kept] = [
      await store.createExperiment({ name: 'to delete' }),
      await store.createRun(RUN),
    ];
    const { info } = await store.createRun({ ...RUN, experimentId });
    await askPython(
      `import sys
from mlflow import MlflowClient
MlflowClient().delete_experiment(sys.argv[1])
MlflowClient().delete_run(sys.argv[2])
print("{}")`,
      [experimentId, kept.info.id],
      { cwd: folder },
    );
    expect((await store.getExperiment(experimentId)).lifecycleStage).toBe('deleted');
    for (const [refused, hint] of [
      [
        store.createRun({ ...RUN, experimentId }),
        `experiments restore --experiment-id ${experimentId}`,
      ],
      [store.logBatch(info.id, {}), `runs restore --run-id ${info.id}`],
      [
        store.updateRun(kept.info.id, { status: 'FAILED' }),
        `runs restore --run-id ${kept.info.id}`,
      ],
    ] as const) {
      await expect(refused).rejects.toMatchObject({
        code: 'INVALID_PARAMETER_VALUE',
        message: expect.stringContaining('is deleted'),
        hint: expect.stringContaining(hint),
      });
    }
    await store.close();
  });

  test('both write at the same time, and nothing is lost', async () => {
    const store = await open(folder);
    const { info } = await store.createRun(RUN);
    const script = `
import sys
from mlflow import MlflowClient
client = MlflowClient()
for n in range(20):
    client.log_param(sys.argv[1], f"python-{n}", n)
print("{}")`;
    const python = askPython(script, [info.id], { cwd: folder });
    let isDone = false;
    void python.finally(() => {
      isDone = true;
    });
    let count = 0;
    for (; !isDone; count += 1) {
      await store.logBatch(info.id, { params: [{ key: `node-${count}`, value: '1' }] });
      await sleep(1);
    }
    await python;
    expect((await store.getRun(info.id)).params).toHaveLength(20 + count);
    await store.close();
  });
});

test('a step past 2^53, which Python takes, is read as a number', async () => {
  const folder = await makeFolder();
  const store = await open(folder);
  const { info } = await store.createRun(RUN);
  const script = `
import json, sys
from mlflow import MlflowClient
MlflowClient(sys.argv[1]).log_metric(sys.argv[2], "loss", 1.0, 5, 2**53)
print("{}")`;
  await askPython(script, [`sqlite:///${folder}/mlflow.db`, info.id]);
  const { metrics } = await store.getRun(info.id);
  expect(metrics).toEqual([{ key: 'loss', value: 1, timestampMs: 5, step: 2 ** 53 }]);
  await store.close();
});

describe('what cannot be used', () => {
  const database = async (...statements: readonly string[]) => {
    const folder = await makeFolder();
    const file = new DatabaseSync(join(folder, 'mlflow.db'));
    for (const statement of statements) file.exec(statement);
    file.close();
    return folder;
  };
  const alembic = (revision: string) => [
    'create table alembic_version (version_num text)',
    `insert into alembic_version values ('${revision}')`,
  ];

  test.each([
    [
      'a schema of MLflow 1.0',
      alembic('451aebb31d03'),
      /before 1\.15/,
      /mlflow db upgrade sqlite:\/\/\/\//,
    ],
    ['a newer schema', alembic('ffffffffffff'), /newer MLflow than 3\.\d+\.\d+/, /update mlts/],
    ['other tables', ['create table t (a)'], /not those of MLflow/, /another database/],
  ])('%s is told and left as it is', async (_name, statements, message, hint) => {
    const folder = await database(...statements);
    const before = describeDatabase(join(folder, 'mlflow.db'));
    await expect(open(folder)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(describeDatabase(join(folder, 'mlflow.db'))).toEqual(before);
  });

  test('a file that is no database', async () => {
    const folder = await makeFolder();
    await writeFile(
      join(folder, 'mlflow.db'),
      'not a database, but long enough to be read as one'.repeat(50),
    );
    await expect(open(folder)).rejects.toThrow(/mlflow\.db: the file is no SQLite database/);
  });

  test('a folder in its place', async () => {
    const folder = await makeFolder();
    await mkdir(join(folder, 'mlflow.db'));
    await expect(open(folder)).rejects.toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
      message: expect.stringContaining('cannot be opened'),
    });
  });

  test('a database that another program holds is waited for, and Ctrl-C is heard meanwhile', async () => {
    const folder = await makeFolder();
    const store = await open(folder);
    const other = new DatabaseSync(join(folder, 'mlflow.db'));
    other.exec('begin immediate');
    const created = store.createRun(RUN);
    setTimeout(() => other.exec('commit'), 200);
    expect((await created).info.status).toBe('RUNNING');
    other.close();
    await store.close();
  });

  test('a scan neither doubles nor hides a run that starts or goes meanwhile', async () => {
    const store = await open(await makeFolder());
    const started = await Promise.all(
      Array.from({ length: 250 }, (_, index) => store.createRun({ ...RUN, startTimeMs: index })),
    );
    const found: string[] = [];
    for await (const part of store.scanRuns({ experimentIds: ['0'], view: 'active_only' })) {
      found.push(...part.map(({ info }) => info.id));
      await store.createRun({ ...RUN, startTimeMs: 1_000 + found.length });
      await store.deleteRun(found[0] ?? '');
    }
    expect(found).toEqual(started.map(({ info }) => info.id).reverse());
    await store.close();
  });

  test('an experiment id past 2^53, as a migrated folder store brings it along, keeps every digit', async () => {
    const folder = await makeFolder();
    await (await open(folder)).close();
    const id = '812345678901234567';
    const database = new DatabaseSync(join(folder, 'mlflow.db'));
    database.exec(
      `insert into experiments (experiment_id, name, artifact_location, lifecycle_stage) values (${id}, 'large', '/a', 'active')`,
    );
    database.close();
    const store = await open(folder);
    const run = await store.createRun({ ...RUN, experimentId: id });
    const found = await store.searchRuns({
      experimentIds: [id],
      view: 'active_only',
      maxResults: 10,
    });
    expect(found.items.map(({ info }) => info)).toEqual([run.info]);
    expect(run.info.experimentId).toBe(id);
    expect((await store.getExperimentByName('large'))?.id).toBe(id);
    await store.close();
  });

  test.each(['sqlite://', 'sqlite:///:memory:'])('%s names no file', async (uri) => {
    await expect(open('/tmp', uri)).rejects.toThrow(/names no database file/);
  });
});
