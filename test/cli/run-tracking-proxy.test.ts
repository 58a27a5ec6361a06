import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import { BASE_IMAGE, docker, ensureDocker, whyNoDocker } from '../setup/docker.ts';
import { ensureMlflow } from '../setup/mlflow.ts';
import { ensureOlderMlflow } from '../setup/older-mlflow.ts';
import { startPostgres, whyNoPostgres } from '../setup/postgres.ts';
import { watchScreen } from '../setup/screen.ts';
import { bin, createRig, type Rig } from './rig.ts';
import { readOnlyRun } from './store.ts';

/** What a training script does, with a nested run, a model that is registered and loaded, a dataset. */
const TRAINING = `
import os, sys
import mlflow
from mlflow import MlflowClient

class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input * 2

client = MlflowClient()
is_new = not mlflow.__version__.startswith("2.")
with mlflow.start_run() as run:
    mlflow.log_params({"depth": 3, "rate": 0.5})
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.set_tag("team", "a b")
    mlflow.log_text("hello", "notes/a b.txt")
    mlflow.log_dict({"a": 1}, "top.json")
    with mlflow.start_run(nested=True, run_name="inner"):
        mlflow.log_metric("inner", 7)
        mlflow.log_text("in", "inner.txt")
    if sys.argv[1] == "all":
        import pandas
        frame = pandas.DataFrame({"x": [1.0, 2.0]})
        if is_new: mlflow.log_input(mlflow.data.from_pandas(frame, name="rows"), context="train")
        if is_new: mlflow.log_table({"q": ["a"]}, "table.json")
        given = {"name": "model"} if is_new else {"artifact_path": "model"}
        info = mlflow.pyfunc.log_model(python_model=Doubler(), registered_model_name="doubler", pip_requirements=["mlflow"], **given)
        client.set_registered_model_alias("doubler", "best", "1")
        loaded = mlflow.pyfunc.load_model("models:/doubler@best")
        print("predicts", loaded.predict(frame)["x"].tolist())
    listed = sorted(f.path for f in client.list_artifacts(run.info.run_id))
    print("lists", listed, mlflow.artifacts.load_text(run.info.artifact_uri + "/notes/a b.txt"))
other = mlflow.set_experiment("other").experiment_id
with mlflow.start_run(experiment_id=other, nested=True):
    mlflow.log_text("elsewhere", "e.txt")
`;

interface Kept {
  readonly tables: Readonly<Record<string, readonly unknown[]>>;
  readonly files: Readonly<Record<string, string>>;
}

const TABLES = [
  'experiments',
  'runs',
  'params',
  'metrics',
  'latest_metrics',
  'tags',
  'datasets',
  'inputs',
  'input_tags',
  'logged_models',
  'logged_model_params',
  'logged_model_tags',
  'registered_models',
  'registered_model_aliases',
  'model_versions',
  'model_version_tags',
];

/** Of no meaning here: times, and ids that are made up of nothing. */
const PASSING = /time|timestamp|uuid_of|^digest$/;

/** All that a run has left, rows and files, without what differs from run to run. */
async function readKept(rig: Rig): Promise<Kept> {
  const database = new DatabaseSync(rig.path('mlflow.db'), { readOnly: true });
  const ids = new Map<string, string>();
  const settle = (text: string): string =>
    text
      .replaceAll(rig.directory, 'HERE')
      // Without the proxy MLflow puts what it makes itself into the project's folder.
      .replaceAll('HERE/p/mlruns', 'HERE/mlruns')
      // A server notes the version of a model, and MLflow's client does so once more.
      .replace(/, {"name": "doubler", "version": "1"}/g, '')
      .replace(/(m-)?[0-9a-f]{32}/g, (id) => {
        if (!ids.has(id)) ids.set(id, `ID${ids.size}`);
        return ids.get(id) ?? '';
      })
      .replace(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?/g, 'TIME')
      .replace(/(model_size_bytes|"size"): ?\d+/g, '$1 SIZE');
  const readTable = (name: string): readonly unknown[] => {
    const rows = database.prepare(`SELECT * FROM ${name} ORDER BY rowid`).all();
    return rows
      .filter(({ key }) => !String(key).startsWith('mlts.') && key !== 'mlflow.user')
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([key, value]) => [
            key,
            // The REST API has no word for NULL where it has one for no text.
            PASSING.test(key) || (key === 'name' && name === 'runs') || !value
              ? !value
              : settle(String(value)),
          ]),
        ),
      )
      .map((row) => (row.key === 'mlflow.runName' ? { ...row, value: 'NAME' } : row));
  };
  const tables = Object.fromEntries(TABLES.map((name) => [name, readTable(name)]));
  database.close();
  const entries = await readdir(rig.directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.parentPath.includes('/mlruns'))
    // Written beside a model by loading it where it lies, which is not how a proxy lets one load.
    .filter(({ name }) => name !== 'registered_model_meta')
    .map((entry) => join(entry.parentPath, entry.name));
  const files: [string, string][] = [];
  for (const path of paths.toSorted()) {
    const text = settle(await readFile(path, 'latin1'));
    const isPickle = path.endsWith('.pkl');
    files.push([
      settle(path),
      isPickle
        ? ''
        : path.endsWith('MLmodel')
          ? text
          : createHash('md5').update(text).digest('hex'),
    ]);
  }
  return { tables, files: Object.fromEntries(files) };
}

async function train(
  python: string,
  words: readonly string[],
  part: string,
  env: Record<string, string> = {},
): Promise<{ readonly kept: Kept; readonly stdout: string; readonly stderr: string }> {
  await using rig = createRig({ MLFLOW_DISABLE_TELEMETRY: 'true', GIT_PYTHON_REFRESH: 'quiet' });
  await rig.write({
    'p/MLproject': `entry_points:\n  main: {command: "${python} -W ignore train.py ${part}"}\n`,
    'p/train.py': TRAINING,
  });
  const run = ['run', 'p', '--env-manager', 'local', '--run-name', 'outer', ...words];
  const ended = await rig.mlts(run, { env });
  expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
  return { kept: await readKept(rig), stdout: ended.stdout, stderr: ended.stderr };
}

const noPostgres = whyNoPostgres();

describe('mlts run --tracking-proxy', () => {
  test('what MLflow 3 leaves behind is the same with and without it', async () => {
    const { python } = await ensureMlflow();
    const [direct, proxied] = await Promise.all([
      train(python, [], 'all'),
      // A proxy of the network does not stand before ours.
      train(python, ['--tracking-proxy'], 'all', { HTTP_PROXY: 'http://127.0.0.1:9' }),
    ]);
    expect(proxied.stdout).toContain('predicts [2.0, 4.0]');
    expect(proxied.stdout).not.toMatch(/http|View run/);
    expect(proxied.stdout).toBe(direct.stdout);
    expect(proxied.kept.tables).toEqual(direct.kept.tables);
    expect(proxied.kept.files).toEqual(direct.kept.files);
    const paths = Object.keys(proxied.kept.files).join('\n');
    expect(paths).toMatch(/notes\/a b\.txt.*MLmodel/s);
  }, 240_000);

  test('an MLflow that could not open this database logs to it', async () => {
    const python = await ensureOlderMlflow('2.3.2');
    const { kept, stdout } = await train(python, ['--tracking-proxy'], 'all');
    expect(stdout).toContain('predicts [2.0, 4.0]');
    expect(kept.tables.runs).toMatchObject([
      { status: 'FINISHED', artifact_uri: expect.stringMatching(/^HERE\/mlruns\/0\/ID/) },
      { status: 'FINISHED' },
      { status: 'FINISHED', experiment_id: '1' },
    ]);
    expect(kept.tables.metrics).toHaveLength(4);
    const tags = (kept.tables.tags ?? []) as { key: string; value: string }[];
    expect(tags).toContainEqual(expect.objectContaining({ key: 'team', value: 'a b' }));
    expect(
      tags.filter(({ key }) => key === 'mlflow.source.type').map(({ value }) => value),
    ).toEqual(['PROJECT', 'LOCAL', 'LOCAL']);
    expect(kept.tables.model_versions).toMatchObject([
      { source: expect.stringMatching(/^HERE\/mlruns\/0\/ID\d+\/artifacts\/model$/) },
    ]);
  }, 240_000);

  test('answers nobody without the token, and takes no folder of this machine', async () => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject': 'entry_points: {main: {command: "python3 ask.py"}}\n',
      'p/ask.py': ASK,
    });
    const words = ['run', 'p', '--env-manager', 'local', '--tracking-proxy'];
    const { stdout } = await rig.mlts(words, { env: { MLFLOW_TRACKING_USERNAME: 'me' } });
    expect(JSON.parse(stdout)).toEqual({
      user: null,
      stranger: 401,
      folder: 400,
      escaped: 400,
      whole: 400,
      elsewhere: 404,
      known: 200,
    });
  });

  test('logs to a folder too', async () => {
    await using rig = createRig({ MLFLOW_DISABLE_TELEMETRY: 'true', GIT_PYTHON_REFRESH: 'quiet' });
    const python = await ensureOlderMlflow('2.3.2');
    await rig.write({
      'p/MLproject': `entry_points:\n  main: {command: "${python} -W ignore train.py some"}\n`,
      'p/train.py': TRAINING,
    });
    const words = ['run', 'p', '--env-manager', 'local', '--tracking-proxy'];
    const store = { MLFLOW_TRACKING_URI: rig.path('my runs') };
    const ended = await rig.mlts(words, { env: store });
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
    expect(ended.stdout).toContain("lists ['notes', 'top.json'] hello");
    const [id] = /[0-9a-f]{32}/.exec(ended.stderr) ?? [];
    const meta = await readFile(rig.path('my runs/0', id ?? '', 'meta.yaml'), 'utf8');
    expect(meta).toMatch(/^artifact_uri: .*\/my runs\/0\/[0-9a-f]{32}\/artifacts'$/m);
    const note = rig.path('my runs/0', id ?? '', 'artifacts/notes/a b.txt');
    expect(await readFile(note, 'utf8')).toBe('hello');
  }, 120_000);

  test('keeps where a model lies in a registry of its own', async () => {
    const { python } = await ensureMlflow();
    await using rig = createRig({ MLFLOW_DISABLE_TELEMETRY: 'true', GIT_PYTHON_REFRESH: 'quiet' });
    await rig.write({
      'p/MLproject': `entry_points:\n  main: {command: "${python} -W ignore train.py all"}\n`,
      'p/train.py': TRAINING,
    });
    const words = ['run', 'p', '--env-manager', 'local', '--tracking-proxy'];
    const registry = { MLFLOW_REGISTRY_URI: `sqlite:///${rig.path('models.db')}` };
    const ended = await rig.mlts(words, { env: registry });
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
    expect(ended.stdout).toContain('predicts [2.0, 4.0]');
    const database = new DatabaseSync(rig.path('models.db'), { readOnly: true });
    const version = database.prepare('SELECT source, storage_location FROM model_versions').get();
    database.close();
    expect(version).toMatchObject({
      source: expect.stringMatching(/^models:\/m-/),
      storage_location: expect.stringMatching(/^(file:\/\/)?\/.*\/mlruns\/0\/models\/m-/),
    });
  }, 120_000);

  test('a server needs none', async () => {
    await using rig = createRig();
    await rig.write({ 'p/MLproject': 'entry_points: {main: {command: "true"}}\n' });
    const env = { MLFLOW_TRACKING_URI: 'http://127.0.0.1:9' };
    const ended = await rig.mlts(['run', 'p', '--tracking-proxy'], { env });
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^error: --tracking-proxy: .* is a server already\nhint: /);
  });

  test.skipIf(noPostgres !== undefined)(
    `a command logs to PostgreSQL without knowing its password${noPostgres ? `: ${noPostgres}` : ''}`,
    async () => {
      const postgres = await startPostgres();
      try {
        await using rig = createRig();
        const uri = await postgres.createDatabase();
        await rig.write({
          'p/MLproject': 'entry_points: {main: {command: "python3 log.py"}}\n',
          'p/log.py': `${CALL}\nlog("loss", 0.5)\nprint("postgres" in str(os.environ))\n`,
        });
        const words = ['run', 'p', '--env-manager', 'local', '--tracking-proxy'];
        const ended = await rig.mlts(words, { env: { MLFLOW_TRACKING_URI: uri } });
        expect(ended, ended.stderr).toMatchObject({ exitCode: 0, stdout: 'False\n' });
        expect(ended.stderr).toMatch(/^ +loss +0\.5$/m);
      } finally {
        await postgres.stop();
      }
    },
    120_000,
  );

  test('is there until an interrupted command has ended', async () => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject': 'entry_points: {main: {command: "python3 last-words.py"}}\n',
      'p/last-words.py': `${CALL}
import signal, time
try:
    open("started", "w").close()
    while True: time.sleep(0.05)
except KeyboardInterrupt:
    time.sleep(0.3)
    log("interrupted", 1)
`,
    });
    const child = rig.start(['run', 'p', '--env-manager', 'local', '--tracking-proxy']);
    await waitForFile(rig.path('p/started'));
    child.kill('SIGINT');
    expect((await child.ended).exitCode).toBe(130);
    const run = readOnlyRun(rig.path('mlflow.db'));
    expect(run.status).toBe('KILLED');
    expect(await readMetrics(rig)).toEqual([['interrupted', 1]]);
  });

  test('ends with a killed mlts: what was answered is kept, and the command fails by itself', async () => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject': 'entry_points: {main: {command: "python3 count.py"}}\n',
      'p/count.py': `${CALL}
import time
count = 0
try:
    while True:
        log("count", count)
        count += 1
        open("started", "w").close()
        time.sleep(0.01)
except Exception as error:
    open("acknowledged", "w").write(str(count))
`,
    });
    const child = rig.start(['run', 'p', '--env-manager', 'local', '--tracking-proxy']);
    await waitForFile(rig.path('p/started'));
    child.kill('SIGKILL');
    await waitForFile(rig.path('p/acknowledged'));
    await expect.poll(() => readFile(rig.path('p/acknowledged'), 'utf8')).not.toBe('');
    const acknowledged = Number(await readFile(rig.path('p/acknowledged'), 'utf8'));
    // One more may have been written whose answer did not arrive.
    expect([acknowledged, acknowledged + 1]).toContain((await readMetrics(rig)).length);
    expect(readOnlyRun(rig.path('mlflow.db')).status).toBe('RUNNING');
  });
});

/** Logs by the API alone, as fast as Python starts. */
const CALL = `
import json, os, urllib.request
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))
def call(method, path, body=None, token=os.environ.get("MLFLOW_TRACKING_TOKEN")):
    request = urllib.request.Request(os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/" + path, method=method,
        data=None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(),
        headers={"content-type": "application/json", **({"authorization": "Bearer " + token} if token else {})})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()
def log(key, value, step=0):
    call("POST", "mlflow/runs/log-metric", {"run_id": os.environ["MLFLOW_RUN_ID"], "key": key, "value": value, "timestamp": 1, "step": step})
`;

const ASK = `${CALL}
import urllib.error
def status(*given, **named):
    try:
        call(*given, **named)
        return 200
    except urllib.error.HTTPError as error:
        return error.code
run = os.environ["MLFLOW_RUN_ID"]
print(json.dumps({
    "user": os.environ.get("MLFLOW_TRACKING_USERNAME"),
    "stranger": status("GET", "mlflow/runs/get?run_id=" + run, token=None),
    "folder": status("POST", "mlflow/experiments/create", {"name": "x", "artifact_location": "/tmp/elsewhere"}),
    "escaped": status("PUT", "mlflow-artifacts/artifacts/0/" + run + "/artifacts/..%2f..%2f..%2fx", b"x"),
    "whole": status("DELETE", "mlflow-artifacts/artifacts/0"),
    "elsewhere": status("PUT", "mlflow-artifacts/artifacts/77/x", b"x"),
    "known": status("PUT", "mlflow-artifacts/artifacts/0/" + run + "/artifacts/x", b"x"),
}))
`;

async function waitForFile(path: string): Promise<void> {
  const isThere = () =>
    stat(path).then(
      () => true,
      () => false,
    );
  await expect.poll(isThere, { timeout: 60_000, interval: 20 }).toBe(true);
}

async function readMetrics(rig: Rig): Promise<readonly (readonly [key: string, value: number])[]> {
  const database = new DatabaseSync(rig.path('mlflow.db'), { readOnly: true });
  const rows = database.prepare('SELECT key, value FROM metrics ORDER BY rowid').all();
  database.close();
  return rows.map(({ key, value }) => [String(key), Number(value)]);
}

describe('the metrics at the foot of the terminal', () => {
  /** Where somebody watches, it waits until each step has been drawn, however slow the machine is. */
  const TALK = `${CALL}
import sys, time
def wait_for(text):
    while "FEET" in os.environ and text not in open(os.environ["FEET"]).read():
        time.sleep(0.05)
print("first")
sys.stdout.write("half a line"); sys.stdout.flush()
for step in range(3):
    log("loss", 1 / (step + 1), step); log("a metric with a name that is long enough to fill it all", 1, step)
    wait_for("step %d" % step)
print(", and its end")
for number in range(40): print("line", number)
`;

  const watch = async (words: readonly string[], env: Record<string, string> = {}) => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject': 'entry_points: {main: {command: "python3 talk.py"}}\n',
      'p/talk.py': TALK,
    });
    const command = [bin, 'run', 'p', '--env-manager', 'local', ...words];
    return await watchScreen(command, { cwd: rig.directory, env: { ...rig.env, ...env } });
  };
  const SPOKEN = [
    'first',
    'half a line, and its end',
    ...Array.from({ length: 40 }, (_, number) => `line ${number}`),
  ];

  test('show the newest values, and leave what the command writes as it is', async () => {
    const { rows, feet, exitCode } = await watch(['--tracking-proxy']);
    expect(exitCode, rows.join('\n')).toBe(0);
    expect(feet).toContain('step 2  loss 0.333333');
    const from = rows.indexOf('first');
    expect(rows.slice(from, from + SPOKEN.length)).toEqual(SPOKEN);
    // It is gone afterwards, and the whole screen scrolls again.
    expect(rows.filter((row) => row.startsWith('step '))).toEqual([]);
    expect(rows.join('\n')).toMatch(/status +FINISHED/);
  }, 60_000);

  test('are not there without the proxy, nor where the cursor cannot be moved', async () => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject': 'entry_points: {main: {command: "python3 talk.py"}}\n',
      'p/talk.py': TALK,
    });
    const piped = await rig.mlts(['run', 'p', '--env-manager', 'local', '--tracking-proxy']);
    expect(piped.stdout).toBe(`${SPOKEN.join('\n')}\n`);
    expect(piped.stderr).not.toContain('\u001b');
  }, 60_000);
});

const reason = whyNoDocker();

describe.skipIf(reason !== undefined)(
  `a container logs by the proxy${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let site = '';
    beforeAll(async () => {
      await ensureDocker();
      site = join(await ensureOlderMlflow('2.3.2'), '../../lib/python3.11/site-packages');
    }, 600_000);

    const contain = async (rig: Rig, script: string) => {
      await rig.write({
        'p/MLproject': `docker_env:
  image: ${BASE_IMAGE}
  volumes: ["${site}:/site:ro"]
  environment: [[PYTHONPATH, /site], [GIT_PYTHON_REFRESH, quiet], [PYTHONDONTWRITEBYTECODE, "1"]]
entry_points: {main: {command: "python3 -W ignore train.py all"}}
`,
        'p/train.py': script,
      });
    };

    test.each([
      ['the default network', []],
      ['the network of the host', ['-A', 'network=host']],
    ])(
      'on %s, with metrics, artifacts and a model, into the SQLite store of this machine',
      async (_name, words) => {
        await using rig = createRig();
        await contain(rig, TRAINING);
        const ended = await rig.mlts(['run', 'p', ...words], {
          env: { HTTP_PROXY: 'http://127.0.0.1:9' },
        });
        expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
        expect(ended.stdout).toContain('predicts [2.0, 4.0]');
        const { tables, files } = await readKept(rig);
        expect(tables.runs).toMatchObject([
          { status: 'FINISHED', artifact_uri: expect.stringMatching(/^HERE\/mlruns\/0\/ID/) },
          { status: 'FINISHED' },
          { status: 'FINISHED' },
        ]);
        expect(tables.metrics).toHaveLength(4);
        expect(tables.model_versions).toMatchObject([
          { source: expect.stringMatching(/^HERE\/mlruns\/0\/ID\d+\/artifacts\/model$/) },
        ]);
        expect(Object.keys(files).join('\n')).toMatch(/artifacts\/model\/MLmodel/);
        expect((await stat(rig.path('mlruns/0'))).uid).toBe(process.getuid?.());
      },
      240_000,
    );

    test('nothing of the store is mounted; --no-tracking-proxy mounts it', async () => {
      await using rig = createRig();
      const script =
        'import os\nprint(os.environ["MLFLOW_TRACKING_URI"], os.path.exists(os.environ["DB"]))\n';
      await contain(rig, script);
      const db = ['--env', `DB=${rig.path('mlflow.db')}`];
      const proxied = await rig.mlts(['run', 'p', ...db]);
      expect(proxied.stdout).toMatch(/^http:\/\/\d+\.\d+\.\d+\.\d+:\d+ False\n$/);
      const mounted = await rig.mlts(['run', 'p', '--no-tracking-proxy', ...db]);
      expect(mounted.stdout).toBe(`sqlite:///${rig.path('mlflow.db')} True\n`);
      const alone = await rig.mlts(['run', 'p', '-A', 'network=none', ...db]);
      expect(alone.stdout).toBe(mounted.stdout);
      const asked = await rig.mlts(['run', 'p', '-A', 'network=none', '--tracking-proxy', ...db]);
      expect(asked.exitCode).toBe(1);
      expect(asked.stderr).toMatch(/^error: --tracking-proxy: the container cannot reach/m);
    }, 60_000);

    test('on a network of its own', async () => {
      const name = `mlts-test-${process.pid}`;
      await docker('network', 'create', name);
      try {
        await using rig = createRig();
        await contain(rig, `${CALL}\nlog("inside", 3)\n`);
        const ended = await rig.mlts(['run', 'p', '-A', `network=${name}`]);
        expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
        expect(await readMetrics(rig)).toEqual([['inside', 3]]);
      } finally {
        await docker('network', 'rm', name);
      }
    }, 60_000);
  },
);
