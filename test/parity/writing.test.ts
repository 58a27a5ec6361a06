import { describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { askPython } from '../setup/mlflow.ts';

/**
 * The writing verbs of `experiments` and `runs` through MLflow's command line and ours, each on a store
 * of its own: what is printed, how each ends, and what is stored afterwards must be the same.
 * EXPERIMENT and RUN stand for the first of each that was made.
 */
const UPDATE = ['experiments', 'update', '--experiment-id', 'EXPERIMENT'];

const STEPS: readonly (readonly string[])[] = [
  ['experiments', 'create', '-n', 'first', '-l', 's3://bucket/x'],
  ['experiments', 'create', '--experiment-name', 'first'],
  ['experiments', 'create'],
  ['experiments', 'rename', '-x', 'EXPERIMENT', '--new-name', 'renamed'],
  ['experiments', 'create', '-n', 'archived', '--trace-archival-retention', ' 30d '],
  ['experiments', 'create', '-n', 'never', '--trace-archival-retention', '0d'],
  ['experiments', 'create', '-n', 'never', '--trace-archival-retention', '30 days'],
  ['experiments', 'update', '-x', 'EXPERIMENT', '--trace-archival-retention', '12h'],
  ['experiments', 'update', '-x', '0', '--trace-archive-now', '--trace-archival-retention', '5m'],
  ['experiments', 'update', '-x', '0', '--clear-trace-archival-retention'],
  ['experiments', 'update', '-x', '0', '--clear-trace-archival-retention'],
  [...UPDATE, '--trace-archive-now-older-than', '7d', '--clear-trace-archival-retention'],
  [...UPDATE, '--clear-trace-archive-now', '--trace-archival-retention', '1d'],
  [...UPDATE, '--clear-trace-archive-now'],
  [...UPDATE, '--trace-archive-now-older-than', '7'],
  [...UPDATE, '--trace-archive-now', '--trace-archive-now-older-than', '7d'],
  [...UPDATE, '--trace-archive-now', '--clear-trace-archive-now'],
  [...UPDATE, '--trace-archival-retention', '1d', '--clear-trace-archival-retention'],
  UPDATE,
  ['experiments', 'update', '--trace-archive-now'],
  ['experiments', 'update', '-x', '987654321', '--trace-archive-now'],
  ['runs', 'create', '--experiment-id', 'EXPERIMENT', '--run-name', 'one', '--status', 'killed'],
  ['runs', 'create', '--experiment-name', 'other', '--run-name', 'two', '-t', 'a=b=c', '-t', 'd='],
  ['runs', 'create', '--experiment-name', 'other', '--parent-run-id', 'RUN', '--run-name', 'three'],
  ['runs', 'create', '--experiment-id', 'EXPERIMENT', '--description', 'why', '--run-name', 'four'],
  ['runs', 'create', '--experiment-id', 'EXPERIMENT', '-t', 'mlflow.runName=five'],
  ['runs', 'create', '--experiment-id', 'EXPERIMENT', '-t', 'no value'],
  ['runs', 'create', '--experiment-id', 'EXPERIMENT', '-t', 'a=1', '-t', 'a=2'],
  ['runs', 'create', '--experiment-id', 'EXPERIMENT', '--experiment-name', 'other'],
  ['runs', 'create', '--experiment-id', 'EXPERIMENT', '--status', 'RUNNING'],
  ['runs', 'link-traces', '--run-id', 'RUN', '-t', 'tr-1', '--trace-id', 'tr-2'],
  ['runs', 'link-traces', '--run-id', 'RUN', '-t', 'tr-2', '-t', 'tr-3'],
  ['runs', 'link-traces', '--run-id', 'RUN', ...Array(101).fill(['-t', 'tr-4']).flat()],
  ['runs', 'link-traces', '--run-id', 'RUN'],
  ['runs', 'create', '--experiment-id', '987654321'],
  ['runs', 'create'],
  ['runs', 'delete', '--run-id', 'RUN'],
  ['runs', 'delete', '--run-id', 'RUN'],
  ['runs', 'create', '--experiment-id', 'EXPERIMENT', '--parent-run-id', 'RUN'],
  ['experiments', 'delete', '-x', 'EXPERIMENT'],
  ['experiments', 'delete', '-x', 'EXPERIMENT'],
  ['experiments', 'rename', '-x', 'EXPERIMENT', '--new-name', 'again'],
  ['runs', 'create', '--experiment-id', 'EXPERIMENT'],
  ['experiments', 'restore', '--experiment-id', 'EXPERIMENT'],
  ['experiments', 'restore', '--experiment-id', 'EXPERIMENT'],
  ['runs', 'restore', '--run-id', 'RUN'],
  ['runs', 'delete', '--run-id', 'f'.repeat(32)],
  ['experiments', 'create', '-n', 'last'],
  ['experiments', 'rename', '-x', 'EXPERIMENT', '--new-name', 'last'],
  ['experiments', 'delete', '-x', 'EXPERIMENT'],
];

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
}

const THEIR_STEPS = `
import json, os, re, sys
from click.testing import CliRunner
from mlflow.cli import cli
ended, known = [], {}
for words in json.loads(sys.argv[1]):
    # Each command line is a process of its own: what the one before set is gone.
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
    result = CliRunner().invoke(cli, [known.get(word, word) for word in words])
    ended.append({"exitCode": result.exit_code, "stdout": result.stdout})
    for name, pattern in (("EXPERIMENT", r"with id (\\d+)$"), ("RUN", r'"run_id": "(\\w+)"')):
        found = re.search(pattern, result.stdout.strip())
        if found: known.setdefault(name, found[1])
print(json.dumps(ended))`;

/** What MLflow finds in a store, and what deleting leaves beside that, ids and times made equal. */
const DUMP = `
import glob, json, os, sqlite3, sys, yaml
from mlflow import MlflowClient
from mlflow.entities import ViewType
def dump(uri):
    client = MlflowClient(uri)
    experiments = client.search_experiments(ViewType.ALL)
    names = {e.experiment_id: e.name for e in experiments}
    runs = client.search_runs(list(names), run_view_type=ViewType.ALL)
    run_names = {r.info.run_id: r.info.run_name for r in runs}
    def tags(run):
        kept = {k: v for k, v in run.data.tags.items() if k != "mlflow.source.name"}
        return {k: run_names.get(v, v) for k, v in kept.items()}
    if uri.startswith("sqlite:///"):
        deleted = sqlite3.connect(uri[10:]).execute("select name, deleted_time is null from runs").fetchall()
        links = sqlite3.connect(uri[10:]).execute("select source_type, source_id, destination_type, destination_id, created_time > 1e12, length(association_id) from entity_associations").fetchall()
    else:
        links = []
        metas = [yaml.safe_load(open(p)) for p in glob.glob(uri + "/**/meta.yaml", recursive=True) + glob.glob(uri + "/.trash/**/meta.yaml", recursive=True)]
        deleted = [[m.get("run_name") or m["name"], m["lifecycle_stage"], m.get("deleted_time") is None, sorted([k, type(v).__name__] for k, v in m.items() if "run_id" in m)] for m in metas]
    return {
        "experiments": sorted([e.name, e.lifecycle_stage, e.artifact_location.replace(uri, "ROOT").replace(e.experiment_id, "ID"), e.last_update_time > e.creation_time, e.tags] for e in experiments),
        "runs": sorted([r.info.run_name, names[r.info.experiment_id], r.info.status, r.info.lifecycle_stage, r.info.user_id, r.info.end_time >= r.info.start_time, tags(r)] for r in runs),
        "links": sorted([kind, id, to, run_names[run], *rest] for kind, id, to, run, *rest in links),
        "deleted": sorted(map(list, deleted)),
    }
print(json.dumps([dump(uri) for uri in sys.argv[1:]]))`;

async function takeOurSteps(rig: Rig, uri: string): Promise<readonly Ended[]> {
  const ended: Ended[] = [];
  const known = new Map<string, string>();
  const learn = (name: string, id: string | undefined) => {
    if (id !== undefined && !known.has(name)) known.set(name, id);
  };
  for (const words of STEPS) {
    const args = words.map((word) => known.get(word) ?? word);
    const { exitCode = -1, stdout } = await rig.mlts(args, { env: { MLFLOW_TRACKING_URI: uri } });
    ended.push({ exitCode, stdout });
    learn('EXPERIMENT', /with id (\d+)$/.exec(stdout.trim())?.[1]);
    learn('RUN', /"run_id": "(\w+)"/.exec(stdout)?.[1]);
  }
  return ended;
}

/** Ids are made up, and MLflow's own words for a failure are no part of the contract. */
function comparable(ended: readonly Ended[]) {
  return ended.map(({ exitCode, stdout }, index) => ({
    step: STEPS[index]?.join(' '),
    exitCode,
    stdout: exitCode === 0 ? stdout.replace(/\b([0-9a-f]{32}|\d{16,19})\b/g, 'ID') : '',
  }));
}

describe('the writing verbs', () => {
  test.each([
    ['SQLite', (rig: Rig, name: string) => `sqlite:///${rig.path(name)}.db`],
    ['a folder', (rig: Rig, name: string) => rig.path(name)],
  ])('on %s', async (_store, uriOf) => {
    await using rig = createRig();
    const [ours, theirs] = [uriOf(rig, 'ours'), uriOf(rig, 'theirs')];
    const [ourSteps, theirSteps] = await Promise.all([
      takeOurSteps(rig, ours),
      askPython<readonly Ended[]>(THEIR_STEPS, [JSON.stringify(STEPS)], {
        cwd: rig.directory,
        env: { MLFLOW_TRACKING_URI: theirs },
      }),
    ]);
    expect(comparable(ourSteps)).toEqual(comparable(theirSteps));
    const [ourStore, theirStore] = await askPython<readonly unknown[]>(DUMP, [ours, theirs], {
      cwd: rig.directory,
    });
    expect(ourStore).toEqual(theirStore);
  });
});
