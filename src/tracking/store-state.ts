import { variables } from '../core/environment-variables.ts';
import { InvalidInput, type MltsError } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { kindOf } from '../host/files.ts';
import { listNames } from '../host/folders.ts';
import { locateStore } from '../host/store-place.ts';

/** What is found where a store's URI points, in words for people. */
export interface StoreState {
  readonly kind: 'SQLite' | 'PostgreSQL' | 'folder' | 'MLflow server';
  /** False for what the first run will make. */
  readonly exists: boolean;
  /** Of a database. */
  readonly schemaRevision?: string | undefined;
  /** Why it can only be read. */
  readonly refusal?: MltsError | undefined;
  /** Of a server. */
  readonly serverVersion?: string | undefined;
}

const ANSWER_MS = 5_000;

/**
 * Looks at a store without making or changing anything.
 *
 * @throws MltsError, its mend as hint, where the store cannot be used.
 */
export async function inspectStore(uri: string, context: Context): Promise<StoreState> {
  const place = locateStore(uri, context.cwd);
  switch (place.kind) {
    case 'sql':
      return uri.startsWith('sqlite')
        ? inspectSqlite(uri, context)
        : inspectDatabase(uri, 'PostgreSQL', context);
    case 'server':
      return inspectServer(uri, context);
    case 'folder':
      return inspectFolder(place.path);
  }
}

async function inspectSqlite(uri: string, context: Context): Promise<StoreState> {
  const { parseSqliteUri } = await import('../sql/sqlite.ts');
  const { path } = parseSqliteUri(uri, context.cwd);
  const exists = (await kindOf(path)) !== undefined;
  return exists ? inspectDatabase(uri, 'SQLite', context) : { kind: 'SQLite', exists };
}

async function inspectDatabase(
  uri: string,
  kind: 'SQLite' | 'PostgreSQL',
  context: Context,
): Promise<StoreState> {
  const { openReadOnlyDatabase } = await import('../sql/read-only-database.ts');
  const { refuseOld, requireReadable } = await import('../sql/schema-check.ts');
  const database = await openReadOnlyDatabase(uri, ANSWER_MS, context);
  try {
    const found = await database.readRevision();
    if (found === 'empty') return { kind, exists: false };
    const schemaRevision = requireReadable(found, uri);
    return { kind, exists: true, schemaRevision, refusal: refuseOld(schemaRevision, uri) };
  } finally {
    await database.close();
  }
}

/** A search needs what every verb needs: an address that answers, and credentials that are taken. */
async function inspectServer(uri: string, context: Context): Promise<StoreState> {
  const { openMlflowServer } = await import('../host/http/mlflow-server.ts');
  const env = {
    ...context.env,
    [variables.httpRequestTimeout]: String(ANSWER_MS / 1_000),
    [variables.httpRequestMaxRetries]: '0',
  };
  const client = await openMlflowServer(uri, { ...context, env });
  try {
    await client.callJson({
      method: 'POST',
      path: '/api/2.0/mlflow/experiments/search',
      json: { max_results: 1 },
    });
    const answer = await client.open({ method: 'GET', path: '/version' }).catch(() => undefined);
    const text = Buffer.concat((await answer?.body.toArray()) ?? []).toString('utf8');
    const serverVersion = /^\d+\.\d+[\w.]*$/.test(text) ? text : undefined;
    return { kind: 'MLflow server', exists: true, serverVersion };
  } finally {
    await client.close();
  }
}

async function inspectFolder(path: string): Promise<StoreState> {
  if ((await kindOf(path)) === 'file') {
    throw new InvalidInput(`the store ${path} is a file, not a folder`, {
      hint: `write sqlite:///${path} in ${variables.trackingUri} if it is a database`,
    });
  }
  return { kind: 'folder', exists: (await listNames(path)).length > 0 };
}
