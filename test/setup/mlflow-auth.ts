import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { ensureMlflow, findFreePort, mlflowEnv, type RunningServer, serveIn } from './mlflow.ts';

/** The yardstick's MLflow with what its `basic-auth` needs besides: an environment on top of it. */
export function ensureMlflowAuth(): Promise<{ readonly python: string }> {
  return once('mlflow-auth', async () => {
    const { python: base } = await ensureMlflow();
    const directory = join(testCache, 'mlflow-auth');
    const python = join(directory, 'bin', 'python');
    if (!existsSync(join(directory, 'complete'))) {
      await rm(directory, { recursive: true, force: true });
      await execa(base, ['-m', 'venv', directory]);
      const [packages, own] = await Promise.all([base, python].map(findPackages));
      await writeFile(join(own ?? '', 'mlflow.pth'), `${packages}\n`);
      const wanted = ['Flask-WTF==1.2.2', 'WTForms==3.2.1'];
      await execa(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', ...wanted]);
      await writeFile(join(directory, 'complete'), '');
    }
    return { python };
  });
}

async function findPackages(python: string): Promise<string> {
  const script = 'import sysconfig; print(sysconfig.get_path("purelib"))';
  return (await execa(python, ['-c', script])).stdout.trim();
}

/** Runs Python beside MLflow's auth code; what it prints last is JSON. */
export async function askAuthPython<T>(
  script: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<T> {
  const { python } = await ensureMlflowAuth();
  const { stdout } = await execa(python, ['-W', 'ignore', '-c', script, ...args], {
    env: mlflowEnv(env),
    extendEnv: false,
    cwd: testCache,
  });
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n', stdout.length - 2) + 1)) as T;
}

/** As MLflow's own, but for a cache, without which it computes hashes several times for each request. */
const CONFIG = `[mlflow]
default_permission = READ
database_uri = sqlite:///basic_auth.db
admin_username = admin
auth_cache_ttl_seconds = 600
`;

/** MLflow's own server with `basic-auth`; its first admin is `admin`, with this password. */
export async function startMlflowAuthServer(adminPassword: string): Promise<RunningServer> {
  const { python } = await ensureMlflowAuth();
  const port = await findFreePort();
  const directory = await mkdtemp(join(testCache, 'mlflow-auth-server-'));
  const config = join(directory, 'auth.ini');
  await writeFile(config, CONFIG);
  const args = ['--app-name', 'basic-auth', '--host', '127.0.0.1', '--workers', '1'];
  const command = ['-m', 'mlflow', 'server', ...args, '--port', String(port)];
  return serveIn(directory, port, python, command, {
    MLFLOW_FLASK_SERVER_SECRET_KEY: 'only for tests',
    MLFLOW_AUTH_ADMIN_PASSWORD: adminPassword,
    MLFLOW_AUTH_CONFIG_PATH: config,
  });
}

/** Has real MLflow make its tables for users in an empty database. */
export async function makeAuthWithMlflow(uri: string): Promise<void> {
  await askAuthPython(
    `import sys
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore().init_db(sys.argv[1])
print("{}")`,
    [uri],
    { MLFLOW_AUTH_ADMIN_PASSWORD: 'not used at all' },
  );
}
