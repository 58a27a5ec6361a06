import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { askPython, type RunningServer, startMlflowServer } from '../setup/mlflow.ts';

/**
 * The same folder logged by MLflow's command line and by ours, each into a run of its own, on a local
 * store and through MLflow's server. Then each lists and downloads what the other logged.
 */
const THEIRS = `
import json, os, sys
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.cli import cli
def call(*args):
    result = CliRunner().invoke(cli, ["artifacts", *args])
    return result.stdout if result.exit_code == 0 else f"failed: {result.exception}"
def log(uri):
    os.environ["MLFLOW_TRACKING_URI"] = uri
    client = MlflowClient(uri)
    runs = [client.create_run("0").info.run_id for _ in range(2)]
    call("log-artifact", "-r", runs[0], "-l", "one.csv")
    call("log-artifacts", "-r", runs[0], "-l", "set", "-a", "in/to")
    return runs
def read(uri, run, target):
    os.environ["MLFLOW_TRACKING_URI"] = uri
    listed = [call("list", "-r", run, "-a", path) for path in ("", "in/to", "in/to/", "one.csv", "none")]
    return listed + [call("download", "-r", run, "-d", target)] + [call("download", "-r", run, "-a", path, "-d", target) for path in ("in/to/sub", "in/to/sub/", "one.csv")]
print(json.dumps([{"log": log, "read": read}[sys.argv[1]](*args) for args in json.loads(sys.argv[2])]))`;

let rig: Rig;
let server: RunningServer;

beforeAll(async () => {
  rig = createRig();
  server = await startMlflowServer();
  await rig.write({ 'one.csv': '1,2\n', 'set/größe + 50%.txt': 'A', 'set/none.txt': '' });
  await mkdir(rig.path('set/sub/er'), { recursive: true });
  await mkdir(rig.path('set/empty'));
  await writeFile(rig.path('set/sub/er/b.bin'), randomBytes(3_000_000));
  await symlink('../one.csv', rig.path('set/link.csv'));
  await symlink('sub', rig.path('set/round'));
}, 120_000);
afterAll(async () => {
  await server?.stop();
  await rig[Symbol.asyncDispose]();
});

/** One process for both stores: MLflow takes seconds to start. */
const askTheirs = (step: 'log' | 'read', calls: readonly (readonly string[])[]) =>
  askPython<readonly (readonly string[])[]>(THEIRS, [step, JSON.stringify(calls)], {
    cwd: rig.directory,
  });

async function logOurs(uri: string, run: string): Promise<void> {
  const env = { MLFLOW_TRACKING_URI: uri };
  const calls = [
    ['log-artifact', '-r', run, '-l', 'one.csv'],
    ['log-artifacts', '-r', run, '-l', 'set', '-a', 'in/to'],
  ];
  for (const args of calls) {
    expect(await rig.mlts(['artifacts', ...args], { env })).toMatchObject({ exitCode: 0 });
  }
}

async function readOurs(uri: string, run: string, target: string): Promise<readonly string[]> {
  const env = { MLFLOW_TRACKING_URI: uri };
  const calls = [
    ...['', 'in/to', 'in/to/', 'one.csv', 'none'].map((path) => ['list', '-r', run, '-a', path]),
    ['download', '-r', run, '-d', target],
    ['download', '-r', run, '-a', 'in/to/sub', '-d', target],
    ['download', '-r', run, '-a', 'in/to/sub/', '-d', target],
    ['download', '-r', run, '-a', 'one.csv', '-d', target],
  ];
  const ended = calls.map((args) => rig.mlts(['artifacts', ...args], { env }));
  return (await Promise.all(ended)).map(({ stdout }) => stdout);
}

async function readTree(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const read = entries.map(async (entry) => {
    const name = join(entry.parentPath, entry.name);
    const content = entry.isFile() ? (await readFile(name)).toString('base64') : 'folder';
    return [name.slice(path.length + 1), content] as const;
  });
  return Object.fromEntries((await Promise.all(read)).sort());
}

test('what one logs, the other lists and downloads', async () => {
  const stores = [
    { name: 'folder', uri: `sqlite:///${rig.path('m.db')}` },
    { name: 'server', uri: server.uri },
  ];
  const place = (name: string, who: string): string => rig.path(`${name}-${who}`);
  const runs = await askTheirs(
    'log',
    stores.map(({ uri }) => [uri]),
  );
  for (const [index, { uri }] of stores.entries()) await logOurs(uri, runs[index]?.[1] ?? '');
  const theirs = await askTheirs(
    'read',
    stores.map(({ name, uri }, index) => [uri, runs[index]?.[1] ?? '', place(name, 'python')]),
  );
  for (const [index, { name, uri }] of stores.entries()) {
    const ours = await readOurs(uri, runs[index]?.[0] ?? '', place(name, 'mlts'));
    const expected = theirs[index]?.map((text) =>
      text.replace(place(name, 'python'), place(name, 'mlts')),
    );
    expect(ours).toEqual(expected);
    const tree = await readTree(place(name, 'mlts'));
    expect(tree).toEqual(await readTree(place(name, 'python')));
    const logged = await readFile(rig.path('set/sub/er/b.bin'), 'base64');
    expect(tree['in/to/sub/er/b.bin']).toBe(logged);
  }
});
