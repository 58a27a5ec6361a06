import { copyFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askPython } from '../setup/mlflow.ts';
import {
  loadOlderPostgres,
  loadOlderSqlite,
  readPostgresContents,
  readSqliteContents,
} from '../setup/older-databases.ts';
import { OLDER_VERSIONS } from '../setup/older-mlflow.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';
import { createRig, type Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = createRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const read = async (uri: string, ...args: readonly string[]): Promise<string> => {
  const ended = await rig.mlts(args, { env: { MLFLOW_TRACKING_URI: uri } });
  expect([args, ended.stderr, ended.exitCode]).toEqual([args, expect.any(String), 0]);
  return ended.stdout;
};

async function findRunId(uri: string): Promise<string> {
  const filter = "tags.mlflow.runName = 'first'";
  const args = ['--experiment-name', 'churn', '--filter', filter, '-o', 'json'];
  const [run] = JSON.parse(await read(uri, 'runs', 'search', ...args));
  return run.info.run_id;
}

/** What every verb that only reads prints. */
async function readAll(uri: string): Promise<Record<string, string>> {
  const runId = await findRunId(uri);
  const json = ['-o', 'json'];
  const verbs = [
    ['experiments', 'search', '--view', 'all'],
    ['experiments', 'get', '--experiment-name', 'churn', ...json],
    ['experiments', 'csv', '--experiment-id', '1'],
    ['runs', 'search', '--experiment-name', 'churn', ...json],
    ['runs', 'list', '--experiment-id', '1', '--view', 'all'],
    ['runs', 'get', runId, ...json],
    ['runs', 'describe', '--run-id', runId],
    ['runs', 'metrics', runId, 'loss', ...json],
    ['registered-models', 'search', ...json],
    ['registered-models', 'get', 'churn', ...json],
    ['model-versions', 'search', '--stage', 'Production', ...json],
    ['model-versions', 'get', 'churn', '2', ...json],
  ];
  const printed: Record<string, string> = {};
  for (const verb of verbs) printed[verb.join(' ')] = await read(uri, ...verb);
  return printed;
}

const WRITING = (runId: string): readonly (readonly string[])[] => [
  ['experiments', 'create', '--experiment-name', 'new'],
  ['experiments', 'create', '--experiment-name', 'churn'],
  ['experiments', 'delete', '--experiment-id', '1'],
  ['runs', 'create', '--experiment-id', '1'],
  ['runs', 'log-metric', runId, 'loss', '1'],
  ['runs', 'set-tag', runId, 'a', 'b'],
  ['runs', 'delete', '--run-id', runId],
  ['registered-models', 'create', 'new'],
  ['registered-models', 'rename', 'churn', 'left'],
  ['model-versions', 'transition-stage', 'churn', '2', 'Archived'],
];

async function expectRefusals(uri: string): Promise<void> {
  for (const verb of WRITING(await findRunId(uri))) {
    const ended = await rig.mlts(verb, { env: { MLFLOW_TRACKING_URI: uri } });
    expect([verb, ended.exitCode, ended.stderr]).toEqual([
      verb,
      1,
      expect.stringMatching(/^error: .* can only be read .*\nhint: .*mlts db upgrade .*\n$/),
    ]);
  }
}

describe('SQLite databases of older MLflow versions', () => {
  test.each(OLDER_VERSIONS)('%s: reads the same before and after the upgrade', async (version) => {
    const [old, upgraded] = [rig.path('old.db'), rig.path('upgraded.db')];
    await loadOlderSqlite(version, old);
    await copyFile(old, upgraded);
    const untouched = readSqliteContents(old);
    const printed = await readAll(`sqlite:///${old}`);
    expect(readSqliteContents(old)).toEqual(untouched);
    await rig.mlts(['db', 'upgrade', `sqlite:///${upgraded}`]);
    expect(printed).toEqual(await readAll(`sqlite:///${upgraded}`));
  });

  test("Python's client reads the upgraded one as mlts reads the old one", async () => {
    const [old, upgraded] = [rig.path('old.db'), rig.path('upgraded.db')];
    await loadOlderSqlite('2.0.1', old);
    await copyFile(old, upgraded);
    await rig.mlts(['db', 'upgrade', `sqlite:///${upgraded}`]);
    const runId = await findRunId(`sqlite:///${old}`);
    const theirs = await askPython(
      `
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
run = client.get_run(sys.argv[2])
client.log_metric(sys.argv[2], "after", 1.0)
print(json.dumps({
  "params": run.data.params, "tags": run.data.tags, "metrics": {k: str(v) for k, v in run.data.metrics.items() if k in ("loss", "nan", "exact")},
  "steps": [m.step for m in client.get_metric_history(sys.argv[2], "loss")],
  "models": [m.name for m in client.search_registered_models()],
  "versions": [[v.version, v.current_stage, v.tags] for v in client.search_model_versions("name = 'churn'")],
}))`,
      [`sqlite:///${upgraded}`, runId],
    );
    const uri = `sqlite:///${old}`;
    const { data } = JSON.parse(await read(uri, 'runs', 'get', runId, '-o', 'json'));
    const pairs = (list: { key: string; value: unknown }[]) =>
      Object.fromEntries(list.map(({ key, value }) => [key, value]));
    const metrics = pairs(data.metrics);
    const history = JSON.parse(await read(uri, 'runs', 'metrics', runId, 'loss', '-o', 'json'));
    const models = JSON.parse(await read(uri, 'registered-models', 'search', '-o', 'json'));
    const versions = JSON.parse(await read(uri, 'model-versions', 'search', '-o', 'json'));
    expect(theirs).toEqual({
      params: pairs(data.params),
      tags: pairs(data.tags),
      metrics: {
        loss: String(metrics.loss),
        nan: String(metrics.nan).toLowerCase(),
        exact: String(metrics.exact),
      },
      steps: history.map(({ step }: { step: number }) => step),
      models: models.map(({ name }: { name: string }) => name),
      versions: versions.map((found: { version: string; current_stage: string; tags: [] }) => [
        Number(found.version),
        found.current_stage,
        pairs(found.tags),
      ]),
    });
  });

  test('verbs that write are refused with the mend, and write nothing', async () => {
    const path = rig.path('old.db');
    await loadOlderSqlite('2.14.3', path);
    const before = readSqliteContents(path);
    await expectRefusals(`sqlite:///${path}`);
    expect(readSqliteContents(path)).toEqual(before);
  });

  test('a run is refused before anything is made', async () => {
    await loadOlderSqlite('2.14.3', rig.path('old.db'));
    await rig.write({ MLproject: 'entry_points: {main: {command: "touch ran"}}' });
    const env = { MLFLOW_TRACKING_URI: 'sqlite:///old.db' };
    const { exitCode, stderr } = await rig.mlts(['run', '.', '--env-manager', 'local'], { env });
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('mlts db upgrade sqlite:///')]);
    expect(readSqliteContents(rig.path('old.db')).rows.runs).toHaveLength(3);
  });
});

describeOnPostgres('PostgreSQL databases of older MLflow versions', (postgres) => {
  test.each(['2.0.1', '2.14.3', '3.9.0'])(
    '%s: reads the same before and after the upgrade; writing is refused',
    async (version) => {
      const uri = await loadOlderPostgres(version, postgres());
      const untouched = await readPostgresContents(postgres(), uri);
      const printed = await readAll(uri);
      await expectRefusals(uri);
      expect(await readPostgresContents(postgres(), uri)).toEqual(untouched);
      const upgraded = await rig.mlts(['db', 'upgrade', uri]);
      expect([upgraded.exitCode, upgraded.stderr]).toEqual([
        0,
        expect.stringMatching(/upgraded postgresql\+psycopg2:\/\/.* from schema/),
      ]);
      expect(upgraded.stderr).not.toMatch(/p%40s|p@s/);
      expect(printed).toEqual(await readAll(uri));
    },
  );

  test('a table that a server holds in a transaction is waited for', async () => {
    const uri = await loadOlderPostgres('2.14.3', postgres());
    const other = new pg.Client({ connectionString: uri.replace('+psycopg2', '') });
    await other.connect();
    await other.query("begin; update tags set value = 'changed' where key = 'stage'");
    const upgrade = rig.mlts(['db', 'upgrade', uri]);
    await sleep(1_500);
    await other.query('commit');
    await other.end();
    expect((await upgrade).exitCode).toBe(0);
    const { rows } = await readPostgresContents(postgres(), uri);
    expect(rows.tags?.join()).toContain('["value","changed"]');
  });

  test('five upgrades at once: one does it, the others find it done', async () => {
    const uri = await loadOlderPostgres('2.14.3', postgres());
    const all = await Promise.all(
      Array.from({ length: 5 }, () => rig.mlts(['db', 'upgrade', uri])),
    );
    expect(all.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0]);
    expect(all.filter(({ stderr }) => stderr.includes('in 42 steps'))).toHaveLength(1);
    expect(all.filter(({ stderr }) => stderr.includes('nothing to do'))).toHaveLength(4);
  });
});
