import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { askPython, startMlflowServer } from '../setup/mlflow.ts';
import { createRig, type Rig } from './rig.ts';

/** A deleted run with an artifact of ten bytes. */
async function makeDeletedRun(rig: Rig, experimentId = '0', env = {}): Promise<string> {
  const create = ['runs', 'create', '--experiment-id', experimentId, '--run-name', 'mine'];
  const { run_id: id } = JSON.parse((await rig.mlts(create, { env })).stdout);
  await rig.write({ 'a.txt': '0123456789' });
  const logged = await rig.mlts(['artifacts', 'log-artifact', '-r', id, '-l', 'a.txt'], { env });
  expect(logged).toMatchObject({ exitCode: 0 });
  await rig.mlts(['runs', 'delete', '--run-id', id], { env });
  return id;
}

function change(rig: Rig, ...statements: readonly string[]): void {
  const database = new DatabaseSync(rig.path('mlflow.db'));
  for (const statement of statements) database.exec(statement);
  database.close();
}

function listRuns(rig: Rig): readonly string[] {
  const database = new DatabaseSync(rig.path('mlflow.db'), { readOnly: true });
  const rows = database.prepare('select run_uuid as id from runs order by id').all();
  database.close();
  return rows.map(({ id }) => String(id));
}

const artifactsOf = (rig: Rig, id: string, experimentId = '0'): string =>
  rig.path('mlruns', experimentId, id, 'artifacts');

describe('gc --dry-run', () => {
  test.each([
    ['a database', {}],
    ['a folder', { MLFLOW_TRACKING_URI: 'mlruns' }],
  ])('shows what would go from %s, with files and bytes, and removes nothing', async (_, env) => {
    await using rig = createRig();
    const { stdout } = await rig.mlts(['experiments', 'create', '-n', 'old'], { env });
    const experimentId = /id (\d+)/.exec(stdout)?.[1] ?? '';
    const id = await makeDeletedRun(rig, experimentId, env);
    await rig.mlts(['experiments', 'delete', '-x', experimentId], { env });
    const json = await rig.mlts(['gc', '--dry-run', '--output', 'json'], { env });
    expect(JSON.parse(json.stdout)).toMatchObject([
      { kind: 'run', id, name: 'mine', experiment_id: experimentId, files: 1, bytes: 10 },
      { kind: 'experiment', id: experimentId, name: 'old', files: 0, bytes: 0 },
    ]);
    expect(json.stderr).toMatch(/would remove 1 run, 1 experiment: 1 file, 10 B; nothing was/);
    const table = await rig.mlts(['gc', '--dry-run'], { env });
    expect(table.stdout).toMatch(new RegExp(`^run +${id} +mine +${experimentId} .* 1 +10 B$`, 'm'));
    expect(await rig.mlts(['gc'], { env })).toMatchObject({
      stderr: expect.stringMatching(/^removed 1 run, 1 experiment: 1 file, 10 B$/m),
    });
    const again = await rig.mlts(['gc', '--dry-run'], { env });
    expect(again).toMatchObject({ exitCode: 0, stdout: '' });
  });
});

describe('gc', () => {
  test('keeps what is not in a folder of its own, tells it, and removes the others', async () => {
    await using rig = createRig();
    await rig.write({ 'precious/file': 'x', 'precious/x/artifacts/file': 'x' });
    const [good = '', ...bad] = await Promise.all(
      Array.from({ length: 7 }, () => makeDeletedRun(rig)),
    );
    const uris = [
      rig.path('precious'),
      `file://${rig.path('precious')}#/ID/artifacts`,
      `${rig.path('precious')}/ID/artifacts/../..`,
      'file:///',
      `${rig.path('precious')}/x/artifacts`,
      's3://bucket',
    ];
    for (const [index, id] of bad.entries()) {
      const uri = uris[index]?.replace('ID', id);
      change(rig, `update runs set artifact_uri = '${uri}' where run_uuid = '${id}'`);
    }
    const ended = await rig.mlts(['gc']);
    expect(ended).toMatchObject({
      exitCode: 1,
      stdout: `Run with ID ${good} has been permanently deleted.\n`,
      stderr: expect.stringMatching(/^error: 6 of 7 could not be removed\nhint: mend/m),
    });
    for (const id of bad) {
      const line = new RegExp(`^warning: run ${id} stays: .* is not .${id}/artifacts. below`, 'm');
      expect(ended.stderr).toMatch(line);
    }
    expect(listRuns(rig)).toEqual(bad.toSorted());
    expect(await rig.mlts(['gc', '--keep-artifacts'])).toMatchObject({ exitCode: 0 });
    expect(listRuns(rig)).toEqual([]);
    expect(await readFile(rig.path('precious/x/artifacts/file'), 'utf8')).toBe('x');
    expect(await readFile(rig.path('precious/file'), 'utf8')).toBe('x');
  });

  test('does not remove an experiment with what could not be removed in it', async () => {
    await using rig = createRig();
    await rig.mlts(['experiments', 'create', '-n', 'old']);
    const [kept, gone] = [await makeDeletedRun(rig, '1'), await makeDeletedRun(rig, '1')];
    const uri = `https://127.0.0.1:1/${kept}/artifacts`;
    change(rig, `update runs set artifact_uri = '${uri}' where run_uuid = '${kept}'`);
    await rig.mlts(['experiments', 'delete', '-x', '1']);
    const { exitCode, stdout, stderr } = await rig.mlts(['gc']);
    expect(exitCode).toBe(1);
    expect(stdout).toBe(`Run with ID ${gone} has been permanently deleted.\n`);
    expect(stderr).toContain(`warning: experiment 1 stays: run ${kept} is still in it`);
    expect(listRuns(rig)).toEqual([kept]);
  });

  test('keeps a deleted experiment in which a run was restored', async () => {
    await using rig = createRig();
    await rig.mlts(['experiments', 'create', '-n', 'old']);
    const id = await makeDeletedRun(rig, '1');
    await rig.mlts(['experiments', 'delete', '-x', '1']);
    await rig.mlts(['runs', 'restore', '--run-id', id]);
    expect(await rig.mlts(['gc'])).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringContaining(`warning: experiment 1 stays: its run ${id} is active`),
    });
    expect(await rig.mlts(['gc', '--experiment-ids', '1'])).toMatchObject({ exitCode: 1 });
    expect(listRuns(rig)).toEqual([id]);
    expect(existsSync(artifactsOf(rig, id, '1'))).toBe(true);
  });

  test('tells which logged models are lost sight of with their experiment', async () => {
    await using rig = createRig();
    await rig.mlts(['experiments', 'create', '-n', 'old']);
    const place = rig.path('mlruns/1/models/m-1/artifacts');
    change(
      rig,
      `insert into logged_models (model_id, experiment_id, name, artifact_location, lifecycle_stage, status, creation_timestamp_ms, last_updated_timestamp_ms)
       values ('m-1', 1, 'model', '${place}', 'active', 1, 1, 1)`,
    );
    await rig.mlts(['experiments', 'delete', '-x', '1']);
    await rig.write({ 'mlruns/1/models/m-1/artifacts/model.bin': 'x' });
    expect(await rig.mlts(['gc'])).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining(
        `m-1 is forgotten with its experiment 1; its artifacts stay: ${place}`,
      ),
    });
    expect(await readdir(place)).toEqual(['model.bin']);
  });

  test('an interrupt loses nothing, and the next call goes on', async () => {
    await using rig = createRig();
    await rig.mlts(['runs', 'create', '--experiment-id', '0']);
    const ids = Array.from({ length: 400 }, (_, index) => index.toString(16).padStart(32, '0'));
    for (const id of ids) {
      await mkdir(artifactsOf(rig, id), { recursive: true });
      await writeFile(join(artifactsOf(rig, id), 'a.txt'), 'a');
    }
    const values = ids.map(
      (id) => `('${id}', 0, 'deleted', 1, 'FINISHED', '${artifactsOf(rig, id)}')`,
    );
    change(
      rig,
      `insert into runs (run_uuid, experiment_id, lifecycle_stage, deleted_time, status, artifact_uri) values ${values.join()}`,
    );
    const database = new DatabaseSync(rig.path('mlflow.db'), { readOnly: true, timeout: 10_000 });
    const count = () => database.prepare('select count(*) as left from runs').get()?.left ?? 0;
    const started = rig.start(['gc']);
    while (Number(count()) > 380) await new Promise((resolve) => setTimeout(resolve, 2));
    started.kill('SIGINT');
    const ended = await started.ended;
    database.close();
    const left = listRuns(rig);
    expect(ended).toMatchObject({
      exitCode: 130,
      stderr: expect.stringMatching(/^stopped: \d+ of 400 are gone/m),
    });
    expect(left.length).toBeGreaterThan(1);
    for (const id of ids) {
      if (!left.includes(id)) expect(existsSync(artifactsOf(rig, id))).toBe(false);
    }
    expect(await rig.mlts(['gc'])).toMatchObject({ exitCode: 0 });
    expect(listRuns(rig)).toHaveLength(1);
    expect(ids.filter((id) => existsSync(artifactsOf(rig, id)))).toEqual([]);
  });
});

describe('gc with a server', () => {
  test('removes artifacts through it, or where it keeps them', async () => {
    await using rig = createRig();
    const database = `sqlite:///${rig.path('mlflow.db')}`;
    const kept = rig.path('kept');
    const server = await startMlflowServer([
      ...['--backend-store-uri', database, '--artifacts-destination', kept],
    ]);
    try {
      const env = { MLFLOW_TRACKING_URI: server.uri };
      const [first, second] = [
        await makeDeletedRun(rig, '0', env),
        await makeDeletedRun(rig, '0', env),
      ];
      const placeOf = (id: string) => join(kept, '0', id, 'artifacts');
      expect(existsSync(placeOf(second))).toBe(true);
      expect(await rig.mlts(['gc'], { env })).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(/is a server, .*\nhint: .*--backend-store-uri/),
      });
      const gc = ['gc', '--backend-store-uri', database];
      const lost = await rig.mlts([...gc, '--run-ids', first]);
      expect(lost).toMatchObject({ exitCode: 1 });
      expect(lost.stderr).toMatch(/hint: set MLFLOW_TRACKING_URI/);
      const through = await rig.mlts([...gc, '--run-ids', first, '--tracking-uri', server.uri]);
      expect(through).toMatchObject({
        exitCode: 0,
        stderr: expect.stringContaining('1 file, 10 B'),
      });
      expect(existsSync(placeOf(first))).toBe(false);
      const beside = await rig.mlts([...gc, '--artifacts-destination', kept]);
      expect(beside).toMatchObject({
        exitCode: 0,
        stderr: expect.stringContaining('1 file, 10 B'),
      });
      expect(existsSync(placeOf(second))).toBe(false);
      const left =
        'import sys; from mlflow import MlflowClient; print(len(MlflowClient(sys.argv[1]).search_runs(["0"], run_view_type=3)))';
      expect(await askPython<number>(left, [server.uri])).toBe(0);
    } finally {
      await server.stop();
    }
  });
});
