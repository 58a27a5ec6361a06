import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { askPython } from '../setup/mlflow.ts';

/** Calls of `gc`, each on a copy of a folder of runs; other words than options stand for ids. */
const CASES: readonly (readonly string[])[] = [
  [],
  ['--older-than', '1h'],
  ['--older-than', '2d'],
  ['--run-ids', 'deleted'],
  ['--run-ids', 'deleted,in gone'],
  ['--run-ids', 'young', '--older-than', '1h'],
  ['--run-ids', 'active'],
  ['--run-ids', 'f'.repeat(32)],
  ['--run-ids', '..'],
  ['--experiment-ids', 'gone'],
  ['--experiment-ids', 'kept'],
  ['--experiment-ids', '../x'],
  ['--logged-model-ids', 'deleted model'],
  ['--logged-model-ids', 'model'],
  ['--logged-model-ids', 'm-none'],
  ['--all-workspaces'],
  ['--workspace', 'default'],
];

/** Makes the store and the copies, and lets MLflow loose on half of them. */
const THEIRS = `
import glob, json, os, shutil, sys, time, yaml
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.cli import cli
root, cases = sys.argv[1], json.loads(sys.argv[2])
client = MlflowClient(root)
known = {}
def run(experiment, name, deleted=False):
    known[name] = client.create_run(experiment, run_name=name, tags={"t": "v"}).info.run_id
    client.log_metric(known[name], "a/m", 1); client.log_param(known[name], "p", 1)
    client.log_text(known[name], "0123456789", "sub/a.txt")
    if deleted: client.delete_run(known[name])
def model(experiment, name, deleted=False):
    known[name] = client.create_logged_model(experiment, name=name, tags={"k": "v"}).model_id
    client.log_model_artifacts(known[name], "files")
    if deleted: client.delete_logged_model(known[name])
os.makedirs("files/in"); open("files/in/model.bin", "w").write("x" * 1000)
known["kept"] = client.create_experiment("kept")
known["gone"] = client.create_experiment("gone")
run(known["kept"], "active"); run(known["kept"], "deleted", True); run(known["kept"], "young", True); run("0", "in default", True)
model(known["kept"], "model"); model(known["kept"], "deleted model", True)
run(known["gone"], "in gone"); run(known["gone"], "deleted in gone", True); model(known["gone"], "model in gone")
client.delete_experiment(known["gone"])
def change(path, **values):
    meta = yaml.safe_load(open(path)); meta.update(values); yaml.safe_dump(meta, open(path, "w"))
day_ago = int(time.time() * 1000) - 86400000
change(f"{root}/{known['kept']}/{known['deleted']}/meta.yaml", deleted_time=day_ago)
change(f"{root}/{known['kept']}/models/{known['deleted model']}/meta.yaml", last_updated_timestamp=day_ago)
def copy(name):
    shutil.copytree(root, name)
    for path in glob.glob(f"{name}/**/meta.yaml", recursive=True) + glob.glob(f"{name}/.trash/**/meta.yaml", recursive=True):
        text = open(path).read(); open(path, "w").write(text.replace(root + "/", name + "/"))
calls = [["gc"] + [",".join(known.get(part, part) for part in word.split(",")) for word in words] for words in cases]
ended = []
for number, call in enumerate(calls):
    copy(f"{root}-ours{number}"); copy(f"{root}-theirs{number}")
    before = dict(os.environ)
    os.environ["MLFLOW_TRACKING_URI"] = f"{root}-theirs{number}"
    result = CliRunner().invoke(cli, call)
    os.environ.clear(); os.environ.update(before)
    ended.append({"call": call, "exitCode": result.exit_code, "stdout": result.stdout})
print(json.dumps(ended))`;

interface TheirEnd {
  readonly call: readonly string[];
  readonly exitCode: number;
  readonly stdout: string;
}

let rig: Rig;
let theirs: readonly TheirEnd[];

beforeAll(async () => {
  rig = createRig();
  const args = [rig.path('store'), JSON.stringify(CASES)];
  theirs = await askPython<readonly TheirEnd[]>(THEIRS, args, { cwd: rig.directory });
});
afterAll(() => rig[Symbol.asyncDispose]());

const sortLines = (text: string) => text.trim().split('\n').sort();
const listTree = async (folder: string) => (await readdir(folder, { recursive: true })).sort();

test.each(CASES.map((words, index) => ({ words: words.join(' '), index })))(
  'gc $words, on a folder, removes what MLflow removes',
  async ({ index }) => {
    const { call = [], exitCode, stdout = '' } = theirs[index] ?? {};
    const [our, their] = [rig.path(`store-ours${index}`), rig.path(`store-theirs${index}`)];
    const ended = await rig.mlts(call, { env: { MLFLOW_TRACKING_URI: our } });
    expect(ended).toMatchObject({ exitCode });
    if (exitCode !== 0) return;
    expect(sortLines(ended.stdout)).toEqual(sortLines(stdout));
    expect(await listTree(our)).toEqual(await listTree(their));
  },
);
