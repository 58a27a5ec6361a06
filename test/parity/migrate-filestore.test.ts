import { DatabaseSync } from 'node:sqlite';
import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { makeFileStore, makeOldFileStore } from '../setup/file-store.ts';
import { ensureMlflow, mlflowEnv } from '../setup/mlflow.ts';

type Row = Record<string, unknown>;

/** Every row of every table, ids that are made anew each time named by what they stand for. */
function readTables(path: string): Readonly<Record<string, readonly Row[]>> {
  const database = new DatabaseSync(path, { readOnly: true });
  const all = (query: string): Row[] => {
    const statement = database.prepare(query);
    statement.setReadBigInts(true);
    return statement.all().map((row) => ({ ...row }));
  };
  const names = new Map<unknown, string>();
  for (const row of all('select * from datasets')) {
    names.set(row.dataset_uuid, `${row.experiment_id}/${row.name}/${row.digest}`);
  }
  for (const row of all('select * from inputs')) {
    const ends = [row.source_type, row.source_id, row.destination_type, row.destination_id];
    names.set(row.input_uuid, ends.map((id) => names.get(id) ?? id).join(' '));
  }
  const tables = all("select name from sqlite_master where type = 'table'");
  const rename = (value: unknown) => (typeof value === 'bigint' ? `${value}` : value);
  const entries = tables.map(({ name }): [string, Row[]] => {
    const rows = all(`select * from "${name}"`).map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([key, value]) => [key, rename(names.get(value) ?? value)]),
      ),
    );
    return [String(name), rows.sort((a, b) => (show(a) < show(b) ? -1 : 1))];
  });
  database.close();
  return Object.fromEntries(entries.sort());
}

const show = (row: Row): string =>
  JSON.stringify(row, (_, value) => (String(value) === '-0' ? '-0' : value));

async function migrateByMlflow(source: string, target: string): Promise<void> {
  const { mlflow } = await ensureMlflow();
  const args = ['migrate-filestore', '--source', source, '--target', `sqlite:///${target}`];
  await execa(mlflow, args, { env: mlflowEnv(), extendEnv: false, input: '' });
}

async function migrateByBoth(rig: Rig, source: string) {
  await migrateByMlflow(source, rig.path('theirs.db'));
  const ours = ['migrate-filestore', '--source', source, '--target', 'sqlite:///ours.db'];
  const ended = await rig.mlts(ours);
  return {
    ended,
    theirs: readTables(rig.path('theirs.db')),
    ours: readTables(rig.path('ours.db')),
  };
}

beforeAll(ensureMlflow);

test('a folder of MLflow 2 becomes the same database as by MLflow', async () => {
  await using rig = createRig();
  await makeOldFileStore(rig.path('mlruns'));
  const { ended, theirs, ours } = await migrateByBoth(rig, rig.directory);
  expect(ended).toMatchObject({ exitCode: 0 });
  expect(ours).toEqual(theirs);
  expect(ours.runs).toHaveLength(6);
});

/** MLflow's migration loses the times of assessments. */
function withoutKnownLosses(tables: Readonly<Record<string, readonly Row[]>>) {
  const assessments = (tables.assessments ?? []).map((row) => ({
    ...row,
    created_timestamp: undefined,
    last_updated_timestamp: undefined,
  }));
  return { ...tables, assessments };
}

test('a folder of MLflow 3 becomes the same database as by MLflow', async () => {
  await using rig = createRig();
  await makeFileStore(rig.path('mlruns'));
  const { ended, theirs, ours } = await migrateByBoth(rig, rig.path('mlruns'));
  expect(ended).toMatchObject({ exitCode: 0 });
  expect(withoutKnownLosses(ours)).toEqual(withoutKnownLosses(theirs));
  const timesOf = (rows: readonly Row[] = []) => rows.map((row) => Number(row.created_timestamp));
  expect(timesOf(theirs.assessments)).toEqual(Array(7).fill(0));
  expect(Math.min(...timesOf(ours.assessments))).toBeGreaterThan(Date.now() - 600_000);
  expect(ours.logged_models).toHaveLength(3);
});
