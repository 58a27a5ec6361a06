import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { bin } from '../cli/rig.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython, mlflowEnv } from '../setup/mlflow.ts';

/** Runs whose columns have one order only: each adds at most one metric, param and tag to those before. */
const MAKE = `
import json, sys
import numpy as np
import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput

def make(uri):
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()
    experiment = client.create_experiment("é, \\"quoted\\"", tags={"team": "größe", "b": "2"})
    def run(start, name, metrics={}, params={}, tags={}, end=None):
        made = client.create_run(experiment, start_time=start, run_name=name, tags=tags)
        for key, value in metrics.items():
            client.log_metric(made.info.run_id, key, value, timestamp=1, step=1)
        for key, value in params.items():
            client.log_param(made.info.run_id, key, value)
        if end is not None:
            client.set_terminated(made.info.run_id, end_time=end)
        return made.info.run_id
    first = run(1700000005000, "latest", {"m": 0.1}, {"p": 'a,"b"\\nc'}, end=1700000006123)
    run(1700000004000, "é 😀", {"m": 1e-7, "n": float("nan")}, {"p": ""}, end=1700000004000)
    run(1700000003000, "x", {"m": -3.0, "n": 1e16, "big": 123456789.125}, {"p": "'", "q": "1"})
    run(1700000002000, "x", {"m": float("inf"), "n": 2e300})
    deleted = run(1700000001000, "gone")
    client.delete_run(deleted)
    with mlflow.start_run(run_id=first):
        mlflow.log_input(mlflow.data.from_numpy(np.arange(3), name="numbers"), context="training")
    model = client.create_logged_model(experiment, name="model", source_run_id=first)
    client.log_outputs(first, [LoggedModelOutput(model.model_id, 3)])
    client.create_experiment("second", artifact_location="s3://bucket/x")
    client.delete_experiment(client.create_experiment("third"))
    found = lambda text: [r.info.run_id for r in client.search_runs([experiment], text)]
    datasets = {text: found(text) for text in json.loads(sys.argv[1])}
    return {"uri": uri, "experiment": experiment, "run": first, "datasets": datasets}

print(json.dumps([make("sqlite:///mlflow.db"), make("mlruns")]))
`;

interface Made {
  readonly uri: string;
  readonly experiment: string;
  readonly run: string;
  readonly datasets: Readonly<Record<string, readonly string[]>>;
}

const DATASET_FILTERS = [
  "dataset.name = 'numbers'",
  "dataset.name != 'numbers'",
  "datasets.digest LIKE '%'",
  "dataset.context = 'training' AND metrics.m < 1",
  "dataset.context IN ('eval', 'training')",
  "dataset.context ILIKE 'TRAIN%'",
  "dataset.name NOT IN ('numbers')",
];

let cwd: string;
let made: readonly Made[];

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'mlts-reading-'));
  made = await askPython<Made[]>(MAKE, [JSON.stringify(DATASET_FILTERS)], { cwd });
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const onStore = (index: number): Made => {
  const store = made[index];
  if (store === undefined) throw new Error('Python made no such store');
  return store;
};

async function runMlts({ uri }: Made, args: readonly string[]): Promise<string> {
  const env = mlflowEnv({ MLFLOW_TRACKING_URI: uri });
  const options = { cwd, env, extendEnv: false, stripFinalNewline: false } as const;
  return (await execa(bin, args, options)).stdout;
}

/** What MLflow's own verbs print, in one process: each start of theirs takes seconds. */
const RUN_MLFLOW = `
import json, sys
from click.testing import CliRunner
from mlflow.cli import cli
results = [CliRunner().invoke(cli, args, catch_exceptions=False) for args in json.loads(sys.argv[1])]
print(json.dumps([result.stdout for result in results]))
`;

describe.each([0, 1])('verbs that print what MLflow prints (store %i)', (index) => {
  let theirs: readonly string[];
  const listVerbs = ({ experiment, run }: Made) => [
    ['runs', 'list', '--experiment-id', experiment],
    ['runs', 'list', '--experiment-id', experiment, '-v', 'all'],
    ['runs', 'list', '--experiment-id', '0'],
    ['experiments', 'search'],
    ['experiments', 'search', '--view', 'all', '--max-results', '3'],
    ['experiments', 'search', '--view', 'deleted_only'],
    ['experiments', 'csv', '-x', experiment],
    ['experiments', 'csv', '-x', '0'],
    ['runs', 'describe', '--run-id', run],
    ['experiments', 'get', '-n', 'Default'],
    ['experiments', 'get', '-x', experiment, '--output', 'json'],
  ];

  beforeAll(async () => {
    const store = onStore(index);
    const asked = [JSON.stringify(listVerbs(store))];
    const env = { MLFLOW_TRACKING_URI: store.uri };
    theirs = await askPython<readonly string[]>(RUN_MLFLOW, asked, { cwd, env });
  });

  test.each(
    listVerbs({ uri: '', experiment: 'ID', run: 'RUN', datasets: {} }).map((words, position) => ({
      verb: words.join(' '),
      position,
    })),
  )('$verb', async ({ verb, position }) => {
    const store = onStore(index);
    const ours = await runMlts(store, listVerbs(store)[position] ?? []);
    const expected = theirs[position] ?? '';
    // Python keeps tags in the order in which it finds them.
    if (verb.endsWith('json')) expect(JSON.parse(ours)).toEqual(JSON.parse(expected));
    else expect(ours).toBe(expected);
  });

  test('CSV into a file', async () => {
    const store = onStore(index);
    const args = ['experiments', 'csv', '-x', store.experiment, '-o', 'runs.csv'];
    expect(await runMlts(store, args)).toMatch(
      /has been exported as a CSV to file: runs\.csv\.\n$/,
    );
    expect(`${await readFile(join(cwd, 'runs.csv'), 'utf8')}\n`).toBe(theirs[6]);
  });
});

test.each([0, 1])('runs are found by their datasets (store %i)', async (index) => {
  const { uri, experiment, datasets } = onStore(index);
  const store = await openTrackingStore(uri, createTestContext({ cwd, env: {} }));
  const found = await Promise.all(
    DATASET_FILTERS.map(async (filter) => {
      const search = { experimentIds: [experiment], view: 'active_only', maxResults: 10 } as const;
      const { items } = await store.searchRuns({ ...search, filter });
      return [filter, items.map(({ info }) => info.id)] as const;
    }),
  );
  expect(Object.fromEntries(found)).toEqual(datasets);
  expect(Object.values(datasets).filter((ids) => ids.length > 0)).toHaveLength(5);
  await store.close();
});
