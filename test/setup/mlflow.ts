import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { callWarmPython } from './warm-python.ts';

/** The yardstick: mlts is compared with this MLflow and no other. */
export const MLFLOW_VERSION = '3.17.2';

export interface Mlflow {
  /** Folder with `python`, `mlflow` and `uv`. */
  readonly bin: string;
  readonly python: string;
  readonly mlflow: string;
}

/** A virtual environment with real MLflow, made on first use and kept in the test cache. */
export function ensureMlflow(): Promise<Mlflow> {
  return once('mlflow', async () => {
    const directory = join(testCache, `mlflow-${MLFLOW_VERSION}`);
    const bin = join(directory, 'bin');
    const done = join(directory, 'complete');
    if (!existsSync(done)) {
      await rm(directory, { recursive: true, force: true });
      await execa('python3', ['-m', 'venv', directory]);
      const packages = [`mlflow==${MLFLOW_VERSION}`, 'uv', 'psycopg2-binary'];
      await execa(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', ...packages]);
      // Without compiled files MLflow would start slower than its users see.
      await execa(join(bin, 'python'), ['-m', 'compileall', '-q', join(directory, 'lib')], {
        env: { PYTHONDONTWRITEBYTECODE: '' },
        reject: false,
      });
      await writeFile(done, '');
    }
    return { bin, python: join(bin, 'python'), mlflow: join(bin, 'mlflow') };
  });
}

/** Environment for MLflow's own processes: nothing of ours, the file store allowed, no telemetry. */
export function mlflowEnv(extra: Record<string, string> = {}): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !/^(MLFLOW|MLTS|VITEST)/.test(name));
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    MLFLOW_ALLOW_FILE_STORE: 'true',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    GIT_PYTHON_REFRESH: 'quiet',
    ...extra,
  };
}

/** Runs Python in the yardstick's environment and returns what it prints, parsed as JSON. */
export async function askPython<T>(
  script: string,
  args: readonly string[] = [],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<T> {
  const { python } = await ensureMlflow();
  const { cwd = process.cwd(), env } = options;
  const { code, stdout, stderr } = await callWarmPython(python, {
    script,
    args,
    cwd,
    env: mlflowEnv(env),
  });
  if (code !== 0) throw new Error(`Python ended with ${code}: ${stderr}`);
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n', stdout.length - 2) + 1)) as T;
}

export interface RunningServer {
  readonly uri: string;
  stop(): Promise<void>;
}

/** MLflow's own tracking server on a free port, with its data in a temporary folder, which is `folder`. */
export async function startMlflowServer(
  extraArgs: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<RunningServer & { readonly folder: string }> {
  const { mlflow } = await ensureMlflow();
  const port = await findFreePort();
  const directory = await mkdtemp(join(testCache, 'mlflow-server-'));
  const args = ['server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'];
  const running = await serveIn(directory, port, mlflow, [...args, ...extraArgs], env);
  return { ...running, folder: directory };
}

/**
 * Runs a server of MLflow's that listens on `port` with its data in `folder`, which goes when it is stopped. Without the
 * eight processes for jobs of GenAI that it starts else: they outlive it, and cost more than all that is asked of it.
 */
export async function serveIn(
  folder: string,
  port: number,
  program: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<RunningServer> {
  const server = spawn(program, args, {
    cwd: folder,
    env: mlflowEnv({ MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false', ...env }),
    stdio: 'ignore',
    detached: true,
  });
  const uri = `http://127.0.0.1:${port}`;
  await waitUntilHealthy(`${uri}/health`);
  return {
    uri,
    async stop() {
      if (server.pid !== undefined && server.exitCode === null)
        process.kill(-server.pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export async function waitUntilHealthy(url: string, timeoutMs = 120_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(200)) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
  }
  throw new Error(`${url} did not answer within ${timeoutMs} ms`);
}

/** A TCP port on loopback that nobody listens on. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Waits until somebody accepts connections on a loopback port. */
export async function waitUntilListening(port: number, timeoutMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(50)) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const probe = connect(port, '127.0.0.1', () => resolve(true));
      probe.once('error', () => resolve(false)).once('close', () => probe.destroy());
      probe.once('connect', () => probe.destroy());
    });
    if (isOpen) return;
  }
  throw new Error(`nobody listens on port ${port}`);
}
