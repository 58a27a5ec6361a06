import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { createTestContext } from '../setup/context.ts';
import { bin, createRig, type Ended } from './rig.ts';

const START_MS = 1_700_000_000_000;
const rig = createRig();
const ids: string[] = [];

const numbers = (values: Readonly<Record<string, number>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value, timestampMs: START_MS, step: 0 }));

beforeAll(async () => {
  const context = createTestContext({ cwd: rig.directory, env: rig.env });
  const store = await openTrackingStore('sqlite:///mlflow.db', context);
  const other = await store.createExperiment({ name: 'other' });
  for (const [index, experimentId] of ['0', '0', other].entries()) {
    const { info } = await store.createRun({
      experimentId,
      userId: 'ann',
      startTimeMs: START_MS + index * 1_000,
      tags: [],
      runName: `run-${index}`,
    });
    ids.push(info.id);
    await store.logBatch(info.id, {
      metrics: numbers({ loss: index / 4, nan: Number.NaN }),
      params: [{ key: 'lr', value: `0.${index}` }],
      tags: [{ key: 'team', value: 'a, "b"' }],
    });
  }
  await store.updateRun(ids[0] ?? '', { status: 'FINISHED', endTimeMs: START_MS + 90_000 });
  await store.close();
});
afterAll(() => rig[Symbol.asyncDispose]());

const mlts = (...args: readonly string[]): Promise<Ended> => rig.mlts(args);

/** Ids are random: they are shown by their place, and as wide as that is. */
const readable = (text: string): string =>
  ids.reduce((shown, id, index) => shown.replaceAll(id, `[RUN_ID_${index}]`.padEnd(32)), text);

describe('mlts runs search', () => {
  test('a table with what was asked about', async () => {
    const filter = ['--filter', 'metrics.loss <= 0.25'];
    const { stdout } = await mlts('runs', 'search', ...filter, '--order-by', 'params.lr DESC');
    expect(readable(stdout)).toMatchInlineSnapshot(`
      "run_id                            run_name  status    start_time                metrics.loss  params.lr
      [RUN_ID_1]                        run-1     RUNNING   2023-11-14T22:13:21.000Z  0.25          0.1
      [RUN_ID_0]                        run-0     FINISHED  2023-11-14T22:13:20.000Z  0             0.0
      "
    `);
  });

  test('columns that are named, as CSV', async () => {
    const columns = 'run_name,metrics.loss,params.lr,tags.team,metrics.nan,end_time';
    const { stdout } = await mlts('runs', 'search', '--columns', columns, '-o', 'csv');
    expect(stdout).toMatchInlineSnapshot(`
      "run_name,metrics.loss,params.lr,tags.team,metrics.nan,end_time
      run-2,0.5,0.2,"a, ""b""",NaN,
      run-1,0.25,0.1,"a, ""b""",NaN,
      run-0,0,0.0,"a, ""b""",NaN,2023-11-14T22:14:50.000Z
      "
    `);
  });

  test('JSON is that of the REST API, one run a line with jsonl', async () => {
    const { stdout } = await mlts('runs', 'search', '--max-results', '1', '-o', 'jsonl');
    expect(JSON.parse(stdout)).toMatchObject({
      info: { run_id: ids[2], run_name: 'run-2', status: 'RUNNING', start_time: START_MS + 2_000 },
      data: {
        metrics: [
          { key: 'loss', value: 0.5, timestamp: START_MS, step: 0 },
          { key: 'nan', value: 'NaN' },
        ],
        params: [{ key: 'lr', value: '0.2' }],
      },
    });
    const all = await mlts('runs', 'search', '-o', 'json');
    expect(JSON.parse(all.stdout)).toHaveLength(3);
  });

  test.each([
    ['by flag', ['--experiment-name', 'other'], {}, 1],
    ['by id and name', ['--experiment-name', 'other', '--experiment-id', '0'], {}, 3],
    ['by variable', [], { MLFLOW_EXPERIMENT_NAME: 'other' }, 1],
    ['a flag wins', ['--experiment-id', '0'], { MLFLOW_EXPERIMENT_ID: '1' }, 2],
    ['deleted ones', ['--view', 'deleted_only'], {}, 0],
    ['none', ['--max-results', '0'], {}, 0],
  ] as const)('experiments %s', async (_name, args, env, count) => {
    const { stdout } = await rig.mlts(['runs', 'search', '-o', 'jsonl', ...args], { env });
    expect(stdout.split('\n').filter(Boolean)).toHaveLength(count);
  });

  test.each([
    [['--filter', 'metrics.loss < low'], 1, /^error: filter: a number.*\n {2}metrics.*\n {17}\^\n/],
    [['--order-by', 'metrics.loss up'], 1, /neither ASC nor DESC/],
    [['--columns', 'run_nam'], 2, /did you mean `run_name`/],
    [['--experiment-name', 'nobody'], 1, /no experiment named `nobody`/],
    [['--experiment-id', '77'], 1, /no experiment with id 77/],
    [['--max-results', '-1'], 2, /whole number/],
    [['--view', 'some'], 2, /active_only, deleted_only, all/],
  ] as const)('%j is refused', async (args, code, message) => {
    const { stdout, stderr, exitCode } = await mlts('runs', 'search', ...args, '-o', 'csv');
    expect([stdout, exitCode]).toEqual(['', code]);
    expect(stderr).toMatch(message);
  });
});

test('a slow reader gets all of it', async () => {
  const names = Array(5_000).fill('tags.team').join(',');
  const search = `'${bin}' runs search --columns '${names}' -o csv`;
  const { stdout } = await execa('sh', ['-c', `${search} | (sleep 1; wc -c)`], {
    cwd: rig.directory,
    env: rig.env,
    extendEnv: false,
  });
  // A heading of 9 characters and three cells of 10, a separator after each.
  expect(Number(stdout)).toBe(5_000 * (10 + 3 * 11));
});

describe('mlts runs get', () => {
  test('for people', async () => {
    const { stdout } = await mlts('runs', 'get', ids[0] ?? '');
    expect(
      readable(stdout)
        .replaceAll(/\] +(?=[)/])/g, ']')
        .replace(/(artifacts +).*\/mlruns/, '$1[FOLDER]'),
    ).toMatchInlineSnapshot(`
      "run         run-0 ([RUN_ID_0])
      status      FINISHED in 1 min 30 s
      experiment  Default (0)
      artifacts   [FOLDER]/0/[RUN_ID_0]/artifacts

      metrics
        loss  0
        nan   NaN

      params
        lr  0.0

      tags
        mlflow.runName  run-0
        team            a, "b"
      "
    `);
  });

  test('as JSON', async () => {
    const { stdout } = await mlts('runs', 'get', ids[0] ?? '', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      info: { run_id: ids[0], end_time: START_MS + 90_000 },
      inputs: { dataset_inputs: [], model_inputs: [] },
      outputs: { model_outputs: [] },
    });
  });

  test('a run that is not there', async () => {
    const { stderr, exitCode } = await mlts('runs', 'get', 'f'.repeat(32));
    expect([stderr, exitCode]).toEqual([
      `error: there is no run with id ${'f'.repeat(32)}\nhint: list what there is: mlts runs search --view all\n`,
      1,
    ]);
  });
});

describe('mlts runs compare', () => {
  const two = (): readonly string[] => ids.slice(0, 2);

  test('what differs', async () => {
    const { stdout } = await mlts('runs', 'compare', ...two());
    expect(readable(stdout)).toMatchInlineSnapshot(`
      "field                [RUN_ID_0]                        [RUN_ID_1]                      
      run_name             run-0                             run-1
      status               FINISHED                          RUNNING
      start_time           2023-11-14T22:13:20.000Z          2023-11-14T22:13:21.000Z
      end_time             2023-11-14T22:14:50.000Z
      metrics.loss         0                                 0.25
      params.lr            0.0                               0.1
      tags.mlflow.runName  run-0                             run-1
      "
    `);
  });

  test('everything, for scripts', async () => {
    const { stdout } = await mlts('runs', 'compare', ...two(), '--all', '-o', 'json');
    const rows = JSON.parse(stdout) as readonly { readonly field: string }[];
    expect(rows).toContainEqual({ field: 'experiment_id', values: ['0', '0'] });
    expect(rows).toContainEqual({ field: 'metrics.loss', values: ['0', '0.25'] });
    expect(rows).toContainEqual({ field: 'end_time', values: ['2023-11-14T22:14:50.000Z', null] });
  });

  test('one run is compared with nothing', async () => {
    const { stderr, exitCode } = await mlts('runs', 'compare', ids[0] ?? '');
    expect([stderr.split('\n')[0], exitCode]).toEqual(['error: name two runs or more', 2]);
  });
});

test('runs list asks for an experiment', async () => {
  const { stderr, exitCode } = await mlts('runs', 'list');
  expect([stderr, exitCode]).toEqual([
    'error: --experiment-id is missing\nhint: give it, or set MLFLOW_EXPERIMENT_ID\n',
    2,
  ]);
});

test.each([
  ['UTC', '22:13:20 UTC'],
  ['Asia/Tokyo', '07:13:20 JST'],
  ['America/Phoenix', '15:13:20 MST'],
  ['Asia/Kathmandu', '03:58:20 +0545'],
])('runs list tells the time of %s', async (zone, time) => {
  const list = ['runs', 'list', '--experiment-id', '0'];
  const { stdout } = await rig.mlts(list, { env: { TZ: zone } });
  expect(stdout).toMatch(new RegExp(`^2023-11-1[45] ${time.replace('+', '\\+')} +run-0 `, 'm'));
});

test('experiments get takes one of id and name', async () => {
  for (const args of [[], ['-x', '0', '-n', 'Default']]) {
    const { stderr, exitCode } = await mlts('experiments', 'get', ...args);
    expect([stderr, exitCode]).toEqual([expect.stringMatching(/exactly one of/), 2]);
  }
});

describe('mlts experiments search', () => {
  test('a filter and an order, in the forms of the REST API and of CSV', async () => {
    const search = ['experiments', 'search', '--order-by', 'name DESC'];
    const json = await mlts(...search, '-f', "name ILIKE 'O%'", '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject([
      { experiment_id: '1', name: 'other', lifecycle_stage: 'active', tags: [] },
    ]);
    const csv = await mlts(...search, '-o', 'csv');
    expect(csv.stdout).toMatch(/^experiment_id,name,.*\n1,other,.*\n0,Default,.*\n$/);
    const table = await mlts(...search);
    expect(table.stdout).toMatch(/^Experiment Id .*\n---.*\n1 +other .*\n0 +Default /);
  });

  test('a filter that is wrong', async () => {
    const { stderr, exitCode } = await mlts('experiments', 'search', '-f', "nam = 'a'");
    expect([stderr, exitCode]).toEqual([
      "error: filter: there is no attribute `nam`\n  nam = 'a'\n  ^\nhint: did you mean `name`?\n",
      1,
    ]);
  });
});
