import { expect, test } from 'vitest';
import { revisions } from '../../src/sql/schema/revisions.ts';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { testLoggedModels } from '../contracts/logged-models.ts';
import { testSearch } from '../contracts/search.ts';
import { testStoredNames } from '../contracts/stored-names.ts';
import { testTrackingStore } from '../contracts/tracking-store.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython } from '../setup/mlflow.ts';
import { dumpSchema, makeWithMlflow } from '../setup/mlflow-database.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';

describeOnPostgres('PostgreSQL', (postgres) => {
  const open = (uri: string) => openTrackingStore(uri, createTestContext({ cwd: '/data' }));

  testTrackingStore('PostgreSQL', async () => open(await postgres().createDatabase()));
  testSearch('PostgreSQL', async () => open(await postgres().createDatabase()));
  testLoggedModels('PostgreSQL', async () => open(await postgres().createDatabase()));
  testStoredNames('PostgreSQL', () => postgres().createDatabase(), {
    kind: 'PostgreSQL',
    schemaRevision: revisions[0],
  });

  test("ten that open an empty database at once make MLflow's own tables, once", async () => {
    const [ours, theirs] = [await postgres().createDatabase(), await postgres().createDatabase()];
    await Promise.all([
      makeWithMlflow(theirs),
      ...Array.from({ length: 10 }, async () => (await open(ours)).close()),
    ]);
    expect(await dumpSchema(postgres(), ours)).toBe(await dumpSchema(postgres(), theirs));
  });

  test('Python reads what mlts wrote, and goes on with it', async () => {
    const uri = await postgres().createDatabase();
    const store = await open(uri);
    const experimentId = await store.createExperiment({ name: 'shared' });
    const run = { experimentId, userId: 'ann', startTimeMs: 1_000, tags: [] };
    const { info } = await store.createRun(run);
    await store.logBatch(info.id, { params: [{ key: 'a', value: '1' }] });
    const script = `
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
run = client.get_run(sys.argv[2])
client.log_metric(run.info.run_id, "nan", float("nan"), step=4)
client.set_terminated(run.info.run_id)
print(json.dumps({"params": run.data.params, "artifacts": run.info.artifact_uri, "new": client.create_experiment("next")}))`;
    expect(await askPython(script, [uri, info.id])).toEqual({
      params: { a: '1' },
      artifacts: `/data/mlruns/${experimentId}/${info.id}/artifacts`,
      new: String(Number(experimentId) + 1),
    });
    const after = await store.getRun(info.id);
    expect(after.info.status).toBe('FINISHED');
    expect(after.metrics).toMatchObject([{ key: 'nan', value: Number.NaN, step: 4 }]);
    await store.close();
  });

  test.each([
    [
      'a wrong password',
      (uri: string) => uri.replace('p%40s%3Aword', 'secretly'),
      'UNAUTHENTICATED',
    ],
    ['no such database', (uri: string) => `${uri}_gone`, 'INVALID_PARAMETER_VALUE'],
    ['nobody there', (uri: string) => uri.replace(/:\d+\//, ':1/'), 'TEMPORARILY_UNAVAILABLE'],
  ])('%s', async (_name, change, code) => {
    const failure = open(change(await postgres().createDatabase()));
    await expect(failure).rejects.toMatchObject({ code });
    await expect(failure).rejects.not.toThrow(/secretly|p%40s/);
  });

  test('a connection that the server cuts is made anew', async () => {
    const uri = await postgres().createDatabase();
    const [store, other] = [await open(uri), await open(uri)];
    await store.getExperiment('0');
    await askPython(
      `import psycopg2, sys
connection = psycopg2.connect(sys.argv[1].replace("+psycopg2", ""))
connection.cursor().execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mlts'")
print("{}")`,
      [uri],
    );
    expect(await store.getExperiment('0')).toMatchObject({ id: '0' });
    await Promise.all([store.close(), other.close()]);
  });
});
