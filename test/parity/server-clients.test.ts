import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureMlflow, mlflowEnv } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { ensureOlderMlflow } from '../setup/older-mlflow.ts';

let server: MltsServer;
beforeAll(async () => {
  server = await startMltsServer();
});
afterAll(() => server?.stop());

/** What a team does with a client: experiments, runs, metrics, searches, models; printed as JSON. */
const WORKFLOW = `
import json, sys
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
client = MlflowClient(sys.argv[1], sys.argv[1])
name = sys.argv[2]
experiment = client.create_experiment(name, tags={"team": "a"})
run = client.create_run(experiment, tags={"mlflow.source.name": "x"})
run_id = run.info.run_id
client.log_param(run_id, "lr", 0.1)
client.log_metric(run_id, "loss", float("nan"), step=1)
client.log_metric(run_id, "loss", 0.25, timestamp=5, step=2)
client.log_batch(run_id, [Metric("acc", i / 10, 7, i) for i in range(10)], [Param("depth", "3")], [RunTag("t", "v")])
client.set_tag(run_id, "mlflow.note.content", "words")
client.set_terminated(run_id, "FINISHED", end_time=99)
found = client.search_runs([experiment], "metrics.acc > 0.5 and params.lr = '0.1'", order_by=["metrics.acc DESC"])
history = client.get_metric_history(run_id, "acc")
client.create_registered_model(name, description="words")
version = client.create_model_version(name, "s3://bucket/" + name, run_id)
client.transition_model_version_stage(name, version.version, "Production")
client.set_model_version_tag(name, version.version, "ok", "yes")
client.rename_experiment(experiment, name + " renamed")
by_name = client.get_experiment_by_name(name + " renamed")
missing = client.get_experiment_by_name("nobody")
if hasattr(client, "list_experiments"):
    assert experiment in [e.experiment_id for e in client.list_experiments()]
    assert name in [m.name for m in client.list_registered_models()]
try:
    client.get_run("f" * 32)
    refused = ""
except Exception as error:
    refused = error.error_code
client.log_text(run_id, "größe", "notes/a b.txt")
client.log_dict(run_id, {"a": 1}, "top.json")
files = [[f.path, f.is_dir, f.file_size] for f in client.list_artifacts(run_id) + client.list_artifacts(run_id, "notes")]
client.log_artifacts(run_id, client.download_artifacts(run_id, "notes"), "copied")
copied = open(client.download_artifacts(run_id, "copied/a b.txt"), encoding="utf-8").read()
latest = client.get_latest_versions(name, ["Production"])
print(json.dumps({
    "found": [r.info.run_id == run_id for r in found],
    "status": found[0].info.status, "end": found[0].info.end_time,
    "metrics": {k: v for k, v in found[0].data.metrics.items()},
    "params": found[0].data.params, "note": found[0].data.tags["mlflow.note.content"],
    "history": [[m.step, m.value, m.timestamp] for m in history],
    "latest": [[str(v.version), v.current_stage, v.status, v.run_id == run_id] for v in latest],
    "files": files, "copied": copied,
    "tags": by_name.tags, "missing": missing, "refused": refused,
    "models": [m.name for m in client.search_registered_models("name = '" + name + "'")],
}))
`;

const EXPECTED = {
  found: [true],
  status: 'FINISHED',
  end: 99,
  metrics: { acc: 0.9, loss: 0.25 },
  params: { lr: '0.1', depth: '3' },
  note: 'words',
  history: Array.from({ length: 10 }, (_, step) => [step, step / 10, 7]),
  latest: [['1', 'Production', 'READY', true]],
  files: [
    ['notes', true, null],
    ['top.json', false, 12],
    ['notes/a b.txt', false, 7],
  ],
  copied: 'größe',
  tags: { team: 'a' },
  missing: null,
  refused: 'RESOURCE_DOES_NOT_EXIST',
};

async function work(python: string, name: string): Promise<unknown> {
  const { stdout } = await execa(python, ['-W', 'ignore', '-c', WORKFLOW, server.uri, name], {
    env: mlflowEnv({ MLFLOW_TRACKING_URI: server.uri }),
    extendEnv: false,
    cwd: server.folder,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

describe('Python clients do their work on mlts server', () => {
  test('3.17.2', async () => {
    const { python } = await ensureMlflow();
    expect(await work(python, 'newest')).toEqual({ ...EXPECTED, models: ['newest'] });
  }, 120_000);

  test.each(['1.30.1', '2.3.2', '2.22.2', '3.4.0'])(
    '%s',
    async (version) => {
      const python = await ensureOlderMlflow(version);
      const name = `older ${version}`;
      expect(await work(python, name)).toEqual({ ...EXPECTED, models: [name] });
    },
    300_000,
  );
});
