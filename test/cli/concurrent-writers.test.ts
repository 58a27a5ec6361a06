import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { askPython, ensureMlflow } from '../setup/mlflow.ts';
import { createRig, type Ended, type Rig } from './rig.ts';

/** What Python's client finds in a store: all experiments, and of each run how much it holds. */
const COUNT = `
import json, sys
from mlflow import MlflowClient
c = MlflowClient(sys.argv[1], sys.argv[1])
experiments = list(c.search_experiments(max_results=1000))
runs = [r for e in experiments for r in c.search_runs([e.experiment_id], max_results=5000)]
print(json.dumps({
    "experiments": sorted(e.name for e in experiments),
    "runs": sorted((r.info.run_name, r.info.status) for r in runs),
    "params": {r.info.run_name: r.data.params for r in runs},
    "tags": {r.info.run_name: {k: v for k, v in r.data.tags.items() if not k.startswith("mlflow.")} for r in runs},
    "values": {r.info.run_name: {k: sorted(m.step for m in c.get_metric_history(r.info.run_id, k)) for k in r.data.metrics} for r in runs},
    "latest": {r.info.run_name: r.data.metrics for r in runs},
}))
`;

interface Found {
  readonly experiments: readonly string[];
  readonly runs: readonly (readonly [name: string, status: string])[];
  readonly params: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly tags: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly values: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  readonly latest: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** argv: the store, a name, how many runs. Each run with 20 values, a param and a tag; then a value in the shared run. */
const WRITE = `
import json, sys
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
uri, name, count, shared = sys.argv[1:]
c = MlflowClient(uri, uri)
for i in range(int(count)):
    r = c.create_run("0", run_name=f"{name}-{i}").info.run_id
    for step in range(4): c.log_metric(r, "m", step, step=step)
    c.log_batch(r, metrics=[Metric("b", s, s, s) for s in range(16)], params=[Param("p", name)], tags=[RunTag("t", name)])
    c.log_metric(shared, name, i, step=i)
    c.log_param(shared, f"{name}-{i}", i)
    c.set_terminated(r)
print("{}")
`;

/** Of each writer. */
const RUNS = 8;
const SIXTEEN = Array.from({ length: 16 }, (_, index) => index);
const TEN = Array.from({ length: 10 }, (_, index) => index);

function expectSilentSuccess(ended: readonly Ended[]): void {
  for (const { exitCode, stderr } of ended) {
    expect(stderr).not.toMatch(/error|warning|retry|locked|Traceback/i);
    expect(exitCode).toBe(0);
  }
}

async function createRun(rig: Rig, uri: string, name: string): Promise<string> {
  const args = ['runs', 'create', '--experiment-id', '0', '--run-name', name];
  const created = await rig.mlts(args, { env: { MLFLOW_TRACKING_URI: uri } });
  expect(created, created.stderr).toMatchObject({ exitCode: 0 });
  return (JSON.parse(created.stdout) as { run_id: string }).run_id;
}

beforeAll(ensureMlflow);

test("Python's client and mlts on one SQLite file lose nothing", async () => {
  await using rig = createRig();
  const uri = `sqlite:///${rig.path('shared.db')}`;
  const shared = await createRun(rig, uri, 'shared');
  const writePython = (name: string) => askPython(WRITE, [uri, name, String(RUNS), shared]);
  const writeMlts = async (name: string): Promise<readonly Ended[]> => {
    const ended: Ended[] = [];
    for (let index = 0; index < RUNS; index += 1) {
      const run = await createRun(rig, uri, `${name}-${index}`);
      const verbs = [
        ['runs', 'log-metric', run, 'm', String(index), '--step', String(index)],
        ['runs', 'log-param', run, 'p', name],
        ['runs', 'set-tag', run, 't', name],
        ['runs', 'log-metric', shared, name, String(index), '--step', String(index)],
        ['runs', 'log-param', shared, `${name}-${index}`, String(index)],
      ];
      for (const args of verbs) {
        ended.push(await rig.mlts(args, { env: { MLFLOW_TRACKING_URI: uri } }));
      }
    }
    return ended;
  };
  const [ended] = await Promise.all([
    Promise.all(['ours-a', 'ours-b', 'ours-c'].map(writeMlts)),
    ...['theirs-a', 'theirs-b', 'theirs-c'].map(writePython),
  ]);
  expectSilentSuccess(ended.flat());

  const found = await askPython<Found>(COUNT, [uri]);
  const writers = ['ours-a', 'ours-b', 'ours-c', 'theirs-a', 'theirs-b', 'theirs-c'];
  const steps = Array.from({ length: RUNS }, (_, index) => index);
  const names = writers.flatMap((name) => steps.map((index) => `${name}-${index}`));
  expect(found.runs).toHaveLength(names.length + 1);
  for (const name of names) {
    const writer = name.replace(/-\d+$/, '');
    expect(found.runs).toContainEqual([name, 'FINISHED']);
    expect(found.params[name]).toEqual({ p: writer });
    expect(found.tags[name]).toMatchObject({ t: writer });
    if (writer.startsWith('theirs')) {
      expect(found.values[name]).toEqual({ b: SIXTEEN, m: [0, 1, 2, 3] });
    }
  }
  expect(found.values.shared).toEqual(Object.fromEntries(writers.map((name) => [name, steps])));
  expect(found.latest.shared).toEqual(Object.fromEntries(writers.map((name) => [name, RUNS - 1])));
  expect(Object.keys(found.params.shared ?? {}).sort()).toEqual(names.sort());
});

describe.each([
  ['SQLite file', 'sqlite:///store.db'],
  ['folder', 'mlruns'],
])('ten mlts at once on one %s', (_, uri) => {
  const options = { env: { MLFLOW_TRACKING_URI: uri } };
  const readBack = (rig: Rig) => askPython<Found>(COUNT, [uri], { cwd: rig.directory });

  test('that nobody has made yet: all of them make one, each its experiment', async () => {
    await using rig = createRig();
    const args = (index: number) => ['experiments', 'create', '-n', `e${index}`];
    const ended = await Promise.all(TEN.map((index) => rig.mlts(args(index), options)));
    expectSilentSuccess(ended);
    const ids = ended.map(({ stdout }) => /with id (\d+)/.exec(stdout)?.[1]);
    expect(new Set(ids).size).toBe(10);
    const { experiments } = await readBack(rig);
    expect(experiments).toEqual(['Default', ...TEN.map((index) => `e${index}`)]);
  });

  test('that nobody has made yet: of one name one is made, the others are told', async () => {
    await using rig = createRig();
    const args = ['experiments', 'create', '-n', 'one'];
    const ended = await Promise.all(TEN.map(() => rig.mlts(args, options)));
    const failed = ended.filter(({ exitCode }) => exitCode !== 0);
    expect(failed).toHaveLength(9);
    for (const { stderr } of failed) expect(stderr).toMatch(/^error: .*`one`.*\n(hint: .*\n)?$/);
    expect((await readBack(rig)).experiments).toEqual(['Default', 'one']);
  });

  test('runs of an experiment that each would make', async () => {
    await using rig = createRig();
    const args = (index: number) => [
      ...['runs', 'create', '--experiment-name', 'new', '--run-name', `r${index}`, '-t', 'k=v'],
    ];
    expectSilentSuccess(await Promise.all(TEN.map((index) => rig.mlts(args(index), options))));
    const found = await readBack(rig);
    expect(found.experiments).toEqual(['Default', 'new']);
    expect(found.runs).toEqual(TEN.map((index) => [`r${index}`, 'FINISHED']));
  });

  test('values, params and tags of one run', async () => {
    await using rig = createRig();
    const run = await createRun(rig, resolveUri(rig, uri), 'one');
    const verbs = TEN.flatMap((index) => [
      ['runs', 'log-metric', run, 'm', String(index), '--step', String(index)],
      ['runs', 'log-metric', run, `own/${index}`, '1'],
      ['runs', 'log-param', run, `p${index}`, String(index)],
      ['runs', 'set-tag', run, `t${index}`, String(index)],
    ]);
    const ended: Ended[] = [];
    for (let start = 0; start < verbs.length; start += 10) {
      const ten = verbs.slice(start, start + 10).map((args) => rig.mlts(args, options));
      ended.push(...(await Promise.all(ten)));
    }
    expectSilentSuccess(ended);
    const found = await readBack(rig);
    const own = TEN.map((index): [string, number[]] => [`own/${index}`, [0]]);
    expect(found.values.one).toEqual({ m: TEN, ...Object.fromEntries(own) });
    expect(found.latest.one?.m).toBe(9);
    const numbered = (letter: string) =>
      Object.fromEntries(TEN.map((index) => [`${letter}${index}`, String(index)]));
    expect(found.params.one).toEqual(numbered('p'));
    expect(found.tags.one).toMatchObject(numbered('t'));
  });
});

function resolveUri(rig: Rig, uri: string): string {
  return uri.startsWith('sqlite') ? `sqlite:///${rig.path('store.db')}` : rig.path(uri);
}

test('a SQLite file that Python is just making is waited for', async () => {
  await using rig = createRig();
  const uri = `sqlite:///${rig.path('fresh.db')}`;
  const options = { env: { MLFLOW_TRACKING_URI: uri } };
  const script = `
import sys
from mlflow import MlflowClient
MlflowClient(sys.argv[1], sys.argv[1]).create_experiment("theirs")
print("{}")
`;
  let isDone = false;
  const python = askPython(script, [uri]).finally(() => {
    isDone = true;
  });
  while (!existsSync(rig.path('fresh.db'))) await sleep(10);
  const ended: Ended[] = [];
  for (let index = 0; !isDone; index += 1) {
    ended.push(await rig.mlts(['experiments', 'create', '-n', `ours-${index}`], options));
  }
  await python;
  expectSilentSuccess(ended);
  const { experiments } = await askPython<Found>(COUNT, [uri]);
  const ours = ended.map((_, index) => `ours-${index}`);
  expect(experiments).toEqual(['Default', 'theirs', ...ours].sort());
});
