import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { askPython, type RunningServer, startMlflowServer } from '../setup/mlflow.ts';

/** `datasets list` through MLflow's command line and ours; EXPERIMENT stands for the one with datasets. */
const LISTS: readonly (readonly string[])[] = [
  ['-x', 'EXPERIMENT'],
  ['-x', 'EXPERIMENT', '--output', 'json'],
  ['--experiment-id', 'EXPERIMENT', '--max-results', '2'],
  ['-x', 'EXPERIMENT', '--max-results', '3', '--page-token', 'eyJvZmZzZXQiOiAyfQ=='],
  ['-x', 'EXPERIMENT', '--page-token', 'nonsense'],
  ['-x', 'EXPERIMENT', '--max-results', '0'],
  ['-x', 'EXPERIMENT', '--max-results', '50001'],
  ['-x', '987654321'],
  ['-x', '987654321', '--output', 'json'],
  ['-x', 'no number'],
  [],
  ...[
    "name LIKE 'qa%'",
    "name ILIKE 'QA%' AND tags.team = 'a'",
    "name = 'qa one'",
    "name != 'qa one'",
    "name IN ('qa one', 'other')",
    "name NOT IN ('qa one')",
    "created_by IN ('ann')",
    "name > 'p'",
    "name <= 'other'",
    "tags.team = 'a'",
    "tags.team != 'a'",
    "tags.team LIKE '%'",
    'tags.team IS NULL',
    "tags.team > 'a'",
    "tag.team = 'a'",
    "attribute.name = 'other'",
    'created_time > 0 AND last_update_time >= 1000',
    'created_time > 1.5',
    "created_time > '1'",
    "created_by = 'ann'",
    "last_updated_by != 'ann'",
    "digest = 'x'",
    "name = 'a' OR name = 'b'",
    'name',
    '',
  ].map((filter) => ['-x', 'EXPERIMENT', '--filter-string', filter]),
  ...[
    'name',
    'name ASC',
    'last_update_time DESC, name',
    'created_time',
    'created_by',
    'tags.team',
    'name UPWARDS',
    '',
  ].map((order) => ['-x', 'EXPERIMENT', '--order-by', order, '--output', 'json']),
];

const FILL = `
import json, sys
import sqlalchemy as sa
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
experiment = client.create_experiment("with datasets")
other = client.create_experiment("other")
made = []
for name, experiments, tags in (
    ("qa one", [experiment], {"team": "a", "ä": "größe"}),
    ("QA two", [experiment, other], {"team": "b"}),
    ("other", [experiment], {}),
    ("a name that is rather long for a table 😀", [experiment], {"team": "a"}),
    ("elsewhere", [other], {}),
):
    made.append(client.create_dataset(name, experiment_id=experiments, tags=tags).dataset_id)
with sa.create_engine(sys.argv[2]).begin() as connection:
    for n, dataset in enumerate(made):
        connection.execute(sa.text("update evaluation_datasets set created_time = :t, last_update_time = :u, created_by = :who where dataset_id = :id"), {"t": 1700000000000 + n // 2 * 1000, "u": 1700000900000 - n * 1000, "who": [None, "ann", ""][n % 3], "id": dataset})
print(json.dumps(experiment))`;

const THEIRS = `
import json, os, sys
from click.testing import CliRunner
from mlflow.cli import cli
os.environ["MLFLOW_TRACKING_URI"] = sys.argv[1]
results = [CliRunner().invoke(cli, ["datasets", "list", *words]) for words in json.loads(sys.argv[2])]
# From a database the token of the next page comes as Python shows bytes, and JSON of it fails.
shown = [r.stdout.replace("token: b'", "token: ").replace("='\\n", "=\\n") for r in results]
print(json.dumps([{"exitCode": r.exit_code, "stdout": text if r.exit_code == 0 else ""} for r, text in zip(results, shown)]))`;

let rig: Rig;
let server: RunningServer;
let database: string;
let experiment: string;

beforeAll(async () => {
  rig = createRig();
  database = `sqlite:///${rig.path('mlflow.db')}`;
  experiment = await askPython<string>(FILL, [database, database], { cwd: rig.directory });
  server = await startMlflowServer(['--backend-store-uri', database]);
});
afterAll(async () => {
  await server?.stop();
  await rig[Symbol.asyncDispose]();
});

describe('datasets list', () => {
  test.each([
    ['SQLite', () => database],
    ["MLflow's server", () => server.uri],
    ['a folder', () => rig.path('mlruns')],
  ])('on %s prints what MLflow prints', async (_store, uriOf) => {
    const uri = uriOf();
    const lists = LISTS.map((words) =>
      words.map((word) => (word === 'EXPERIMENT' ? experiment : word)),
    );
    const theirs = await askPython<readonly object[]>(THEIRS, [uri, JSON.stringify(lists)], {
      cwd: rig.directory,
    });
    for (const [index, words] of lists.entries()) {
      const env = { MLFLOW_TRACKING_URI: uri };
      const { exitCode, stdout, stderr } = await rig.mlts(['datasets', 'list', ...words], { env });
      const ours = { exitCode, stdout };
      expect({ words, stderr, ...ours }).toEqual({ words, stderr, ...theirs[index] });
    }
  });

  test('page by page, as JSON', async () => {
    const env = { MLFLOW_TRACKING_URI: database };
    const list = ['datasets', 'list', '-x', experiment, '--max-results', '3', '--output', 'json'];
    const first = JSON.parse((await rig.mlts(list, { env })).stdout);
    expect(first).toMatchObject({ datasets: { length: 3 }, next_page_token: expect.any(String) });
    const second = await rig.mlts([...list, '--page-token', first.next_page_token], { env });
    expect(JSON.parse(second.stdout)).toMatchObject({
      datasets: { length: 1 },
      next_page_token: null,
    });
  });

  test('the environment names the experiment', async () => {
    const env = { MLFLOW_TRACKING_URI: database, MLFLOW_EXPERIMENT_ID: experiment };
    const { stdout } = await rig.mlts(['datasets', 'list', '--output', 'json'], { env });
    expect(JSON.parse(stdout).datasets).toHaveLength(4);
  });
});
