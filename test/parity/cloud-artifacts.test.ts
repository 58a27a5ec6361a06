import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { startAzureServer } from '../setup/azure.ts';
import { ensureCloudLibraries } from '../setup/cloud-libraries.ts';
import { startGcsServer, whyNoGcs } from '../setup/gcs.ts';
import { askPython, type RunningServer } from '../setup/mlflow.ts';

/**
 * The same folder logged by MLflow and by ours, each into a run of its own whose artifacts lie in a cloud.
 * Then each lists and downloads what the other logged, and MLflow deletes ours.
 */
const THEIRS = `
import json, sys
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
step, uri, *rest = sys.argv[1:]
client = MlflowClient(uri)
def log(base):
    experiment = client.create_experiment("cloud", artifact_location=base)
    runs = [client.create_run(experiment).info.run_id for _ in range(2)]
    client.log_artifact(runs[0], "one.csv")
    client.log_artifacts(runs[0], "set", "in/to")
    return runs
def read(run, target):
    listed = [[[f.path, f.is_dir, f.file_size] for f in client.list_artifacts(run, path)] for path in ("", "in/to", "in/to/sub", "one.csv", "none")]
    download_artifacts(run_id=run, dst_path=target, tracking_uri=uri)
    return listed
def delete(run):
    repository = get_artifact_repository(client.get_run(run).info.artifact_uri)
    repository.delete_artifacts("in/to/sub")
    return [f.path for f in repository.list_artifacts("in/to")]
print(json.dumps({"log": log, "read": read, "delete": delete}[step](*rest)))`;

interface Cloud {
  readonly name: string;
  readonly reason: string | undefined;
  start(): Promise<{
    readonly server: RunningServer;
    readonly env: Readonly<Record<string, string>>;
    readonly base: string;
  }>;
}

const CLOUDS: readonly Cloud[] = [
  {
    name: 'Google Cloud Storage',
    reason: await whyNoGcs(),
    async start() {
      const server = await startGcsServer();
      await server.createBucket('lake');
      return { server, env: server.env, base: 'gs://lake/mlflow' };
    },
  },
  {
    name: 'Azure blobs',
    reason: undefined,
    async start() {
      const server = await startAzureServer();
      await server.createContainer('lake');
      const base = `wasbs://lake@${server.account}.blob.core.windows.net/mlflow`;
      return { server, env: server.env, base };
    },
  },
];

describe.each(CLOUDS)('$name', ({ reason, start }) => {
  let rig: Rig;
  let server: RunningServer;
  let env: Record<string, string>;
  let base: string;

  beforeAll(async () => {
    if (reason !== undefined) return;
    rig = createRig();
    const started = await start();
    server = started.server;
    base = started.base;
    const libraries = await ensureCloudLibraries();
    const uri = `sqlite:///${rig.path('m.db')}`;
    env = { ...started.env, MLFLOW_TRACKING_URI: uri, PYTHONPATH: libraries };
    await rig.write({ 'one.csv': '1,2\n', 'set/größe + 50%.txt': 'A', 'set/none.txt': '' });
    await mkdir(rig.path('set/sub/er'), { recursive: true });
    await writeFile(rig.path('set/sub/er/b.bin'), randomBytes(20_000_001));
  });
  afterAll(async () => {
    await server?.stop();
    await rig?.[Symbol.asyncDispose]();
  });

  const askTheirs = <T>(step: string, ...args: readonly string[]): Promise<T> =>
    askPython<T>(THEIRS, [step, env.MLFLOW_TRACKING_URI ?? '', ...args], {
      cwd: rig.directory,
      env,
    });

  async function ours(...args: readonly string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await rig.mlts(['artifacts', ...args], { env });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).not.toContain('Warning');
    return stdout;
  }

  const listOurs = (run: string) => async (path: string) =>
    JSON.parse(await ours('list', '-r', run, '-a', path)).map(
      (entry: { path: string; is_dir: boolean; file_size?: string | number }) => [
        entry.path,
        entry.is_dir,
        entry.is_dir ? null : Number(entry.file_size ?? 0),
      ],
    );

  test.skipIf(reason)(
    `what one logs, the other lists, downloads and deletes${reason ? ` (skipped: ${reason})` : ''}`,
    async () => {
      const [byThem = '', byUs = ''] = await askTheirs<string[]>('log', base);
      await ours('log-artifact', '-r', byUs, '-l', 'one.csv');
      await ours('log-artifacts', '-r', byUs, '-l', 'set', '-a', 'in/to');
      const theirList = await askTheirs<unknown[]>('read', byUs, rig.path('python'));
      const paths = ['', 'in/to', 'in/to/sub', 'one.csv', 'none'];
      expect(await Promise.all(paths.map(listOurs(byThem)))).toEqual(theirList);
      await ours('download', '-r', byThem, '-d', rig.path('mlts'));
      const logged = await readTree(rig.path('set'));
      const tree = await readTree(rig.path('mlts'));
      expect(tree).toEqual(await readTree(rig.path('python')));
      expect(tree['in/to/sub/er/b.bin']).toBe(logged['sub/er/b.bin']);
      const left = ['in/to/größe + 50%.txt', 'in/to/none.txt'];
      expect(await askTheirs('delete', byUs)).toEqual(left);
      expect((await listOurs(byUs)('in/to')).map(([path]: [string]) => path)).toEqual(left);
    },
  );
});

async function readTree(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const read = entries.map(async (entry) => {
    const name = join(entry.parentPath, entry.name);
    const content = entry.isFile() ? (await readFile(name)).toString('base64') : 'folder';
    return [name.slice(path.length + 1), content] as const;
  });
  return Object.fromEntries((await Promise.all(read)).sort());
}
