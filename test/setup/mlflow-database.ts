import { join } from 'node:path';
import { execa } from 'execa';
import { askPython } from './mlflow.ts';
import type { RunningPostgres } from './postgres.ts';

const MAKE = `
import sys
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore(sys.argv[1], "./mlruns")
print("{}")
`;

/** Has real MLflow make its tables in an empty database; artifacts would go to `mlruns` in `cwd`. */
export async function makeWithMlflow(uri: string, cwd = '/tmp'): Promise<void> {
  await askPython(MAKE, [uri], { cwd });
}

/** All definitions in a PostgreSQL database, in the order in which they can be made again. */
export async function dumpSchema(server: RunningPostgres, uri: string): Promise<string> {
  const { stdout } = await execa(join(server.bin, 'pg_dump'), [
    uri.replace('+psycopg2', ''),
    ...['--schema-only', '--no-owner', '--no-privileges', '--no-comments'],
  ]);
  return stdout
    .split('\n')
    .filter((line) => !/^(--|SET |SELECT pg_catalog|\\|$)/.test(line))
    .join('\n')
    .replaceAll('public.', '');
}
