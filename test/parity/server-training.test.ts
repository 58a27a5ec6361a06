import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bin } from '../cli/rig.ts';
import { once, testCache } from '../setup/cache.ts';
import {
  ensureMlflow,
  findFreePort,
  mlflowEnv,
  type RunningServer,
  startMlflowServer,
  waitUntilHealthy,
} from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

const TRAINING = resolve(import.meta.dirname, '../setup/train-on-server.py');
const ADMIN = { MLFLOW_AUTH_ADMIN_PASSWORD: 'a long password of nobody' };
const LOGIN = {
  MLFLOW_TRACKING_USERNAME: 'admin',
  MLFLOW_TRACKING_PASSWORD: ADMIN.MLFLOW_AUTH_ADMIN_PASSWORD,
};

let theirs: RunningServer;
let ours: MltsServer;
let guarded: MltsServer;
let packages = '';
beforeAll(async () => {
  packages = await ensurePsutil();
  [theirs, ours, guarded] = await Promise.all([
    startMlflowServer(),
    startMltsServer(),
    startMltsServer(['--app-name', 'basic-auth'], ADMIN),
  ]);
}, 300_000);
afterAll(async () => {
  await Promise.all([theirs?.stop(), ours?.stop(), guarded?.stop()]);
});

/** What MLflow measures a machine with, beside the yardstick's own packages. */
async function ensurePsutil(): Promise<string> {
  const { python, bin: folder } = await ensureMlflow();
  const target = join(testCache, 'psutil-7.1.0');
  await once('psutil', async () => {
    if (existsSync(target)) return;
    const partial = `${target}.partial`;
    await rm(partial, { recursive: true, force: true });
    const install = ['pip', 'install', '--quiet', '--python', python, '--target', partial];
    await execa(join(folder, 'uv'), [...install, 'psutil==7.1.0']);
    await rename(partial, target);
  });
  return target;
}

const at = (uri: string, login: Record<string, string> = {}) =>
  mlflowEnv({ MLFLOW_TRACKING_URI: uri, PYTHONPATH: packages, ...login });

async function train(uri: string, login: Record<string, string> = {}) {
  const { python } = await ensureMlflow();
  const folder = await mkdtemp(join(testCache, 'training-'));
  try {
    const { stdout } = await execa(python, ['-W', 'ignore', TRAINING, folder], {
      env: at(uri, login),
      extendEnv: false,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe("MLflow's fluent API, autologging, registry and commands", () => {
  test("leave on mlts server what they leave on MLflow's, with and without a login", async () => {
    const [their, our, withLogin] = await Promise.all([
      train(theirs.uri),
      train(ours.uri),
      train(guarded.uri, LOGIN),
    ]);
    expect(our).toEqual(their);
    expect(withLogin).toEqual(their);
    // Two servers that did nothing would agree too.
    expect(our).toMatchObject({ history: true, table: ['a', 'b', 'c'] });
    expect(our.predicted).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(our.runs).toHaveLength(9);
    expect(our.limits).toContain('INVALID_PARAMETER_VALUE');
  }, 600_000);

  test('nobody logs without the login', async () => {
    const { python } = await ensureMlflow();
    const script = 'import mlflow\nwith mlflow.start_run(): mlflow.log_metric("a", 1)';
    const env = at(guarded.uri, { MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0' });
    const run = execa(python, ['-W', 'ignore', '-c', script], { env, extendEnv: false });
    await expect(run).rejects.toThrow(/401|not authenticated/i);
  }, 60_000);
});

describe('a model of the registry is served', () => {
  const served: ChildProcess[] = [];
  afterAll(() => {
    for (const { pid } of served) if (pid !== undefined) process.kill(-pid, 'SIGTERM');
  });

  async function serve(file: string, env: Record<string, string>): Promise<unknown> {
    const port = await findFreePort();
    const words = ['models', 'serve', '-m', 'models:/iris/Production', '-p', String(port)];
    const child = spawn(file, [...words, '--env-manager', 'local'], {
      env,
      stdio: 'ignore',
      detached: true,
    });
    served.push(child);
    await waitUntilHealthy(`http://127.0.0.1:${port}/ping`);
    const answer = await fetch(`http://127.0.0.1:${port}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        dataframe_split: {
          columns: ['a', 'b'],
          data: [
            [1.5, 1],
            [18.5, 0],
          ],
        },
      }),
    });
    return answer.json();
  }

  test('by mlflow models serve and by mlts models serve', async () => {
    const { mlflow, bin: folder } = await ensureMlflow();
    const PATH = `${folder}:${process.env.PATH}`;
    const answers = await Promise.all([
      serve(mlflow, { ...at(ours.uri), PATH }),
      serve(bin, { ...at(ours.uri), PATH, MLTS_MODEL_CACHE: 'off' }),
      serve(bin, { ...at(guarded.uri, LOGIN), PATH, MLTS_MODEL_CACHE: 'off' }),
    ]);
    expect(answers).toEqual([0, 1, 2].map(() => ({ predictions: [0, 1] })));
  }, 120_000);
});

describe('mlts itself', () => {
  const mlts = (words: readonly string[], env: Record<string, string>) =>
    execa(bin, words, { cwd: guarded.folder, env: { ...env, NO_COLOR: '1' }, extendEnv: false });

  test('works with a token on a server with logins', async () => {
    const created = await execa(bin, ['users', 'create', 'ann'], {
      cwd: guarded.folder,
      env: mlflowEnv(),
      extendEnv: false,
      input: 'another long password',
    });
    expect(created.exitCode).toBe(0);
    const { stdout: token } = await mlts(['users', 'token', 'ann'], mlflowEnv());
    const env = at(guarded.uri, { MLFLOW_TRACKING_TOKEN: token.trim() });
    const found = JSON.parse(
      (
        await mlts(
          ['runs', 'search', '--filter', "attributes.run_name = 'auto'", '--output', 'json'],
          env,
        )
      ).stdout,
    ) as unknown[];
    expect(found).toHaveLength(1);
    const made = await mlts(['experiments', 'create', '--experiment-name', 'of ann'], env);
    expect(made.exitCode).toBe(0);
    const version = await mlts(['model-versions', 'get', 'iris', '1'], env);
    expect(version.stdout).toContain('Production');
    const { stderr, exitCode } = await execa(
      bin,
      ['experiments', 'delete', '--experiment-id', '1'],
      { cwd: guarded.folder, env: { ...env, NO_COLOR: '1' }, extendEnv: false, reject: false },
    );
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^error: .*[Pp]ermission/),
    });
  }, 60_000);
});
