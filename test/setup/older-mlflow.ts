import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { ensureMlflow, mlflowEnv } from './mlflow.ts';

/** What these versions need beside themselves; newer packages than they know would break them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '2.0.1': ['sqlalchemy<2', 'alembic<1.13', 'pandas<2', 'setuptools<81'],
  '2.3.2': ['sqlalchemy<2.1', 'alembic<1.13', 'pandas<2.2', 'setuptools<81'],
  '2.9.2': ['sqlalchemy<2.1', 'alembic<1.14', 'pandas<2.2', 'setuptools<81'],
  '2.14.3': ['sqlalchemy<2.1', 'alembic<1.14', 'pandas<2.3', 'setuptools<81'],
  '2.22.2': ['sqlalchemy<2.1', 'alembic', 'pandas<2.3', 'setuptools<81'],
  '3.0.1': ['sqlalchemy<2.1', 'alembic', 'pandas<2.3'],
  '3.4.0': ['sqlalchemy<2.1', 'alembic', 'pandas<2.3'],
  '3.9.0': ['sqlalchemy<2.1', 'alembic', 'pandas<2.3'],
};

/** Tried as a client alone. */
const OLDEST_CLIENT: Readonly<Record<string, readonly string[]>> = {
  '1.30.1': ['sqlalchemy<2', 'alembic<1.13', 'pandas<2', 'setuptools<81', 'packaging<22'],
};

export const OLDER_VERSIONS = Object.keys(PACKAGES);

/** The Python of a virtual environment with an older MLflow, made on first use and kept in the test cache. */
export function ensureOlderMlflow(version: string): Promise<string> {
  return once(`mlflow-${version}`, async () => {
    const mlflow = await ensureMlflow();
    const directory = join(testCache, `mlflow-${version}`);
    const [python, done] = [join(directory, 'bin', 'python'), join(directory, 'complete')];
    if (!existsSync(done)) {
      await rm(directory, { recursive: true, force: true });
      const uv = join(mlflow.bin, 'uv');
      const needed = PACKAGES[version] ?? OLDEST_CLIENT[version] ?? [];
      const packages = [...needed, 'numpy<2', 'psycopg2-binary'];
      // What `mlflow server` of 2.x is made of.
      const server = ['flask<4', 'gunicorn', 'graphene<4', 'querystring_parser'];
      await execa(uv, ['venv', '--quiet', '--python', mlflow.python, directory]);
      const install = ['pip', 'install', '--quiet', '--python', python];
      await execa(uv, [...install, `mlflow-skinny==${version}`, ...packages, ...server]);
      await writeFile(done, '');
    }
    return python;
  });
}

const FILL = join(import.meta.dirname, '../../fixtures/databases/fill.py');

/** Has an older MLflow make its tables in an empty database, and fill them through its own client. */
export async function fillWithOlderMlflow(version: string, uri: string): Promise<void> {
  const python = await ensureOlderMlflow(version);
  await execa(python, ['-W', 'ignore', FILL, uri], {
    env: mlflowEnv(),
    extendEnv: false,
    cwd: '/tmp',
  });
}
