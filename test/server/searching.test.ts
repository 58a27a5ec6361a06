import { once } from 'node:events';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { execa } from 'execa';
import { Kysely } from 'kysely';
import { afterEach, expect, test } from 'vitest';
import { openSqlConnection } from '../../src/sql/open.ts';
import { createReadingDialect } from '../../src/sql/reading-dialect.ts';
import type { Tables } from '../../src/sql/tables.ts';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { bin } from '../cli/rig.ts';
import { testCache } from '../setup/cache.ts';
import { createTestContext } from '../setup/context.ts';
import { addRuns } from '../setup/many-runs.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

let server: MltsServer | undefined;
let folder: string | undefined;
afterEach(async () => {
  await server?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  [server, folder] = [undefined, undefined];
});

const post = async (path: string, body: object) => {
  const answer = await fetch(`${server?.uri}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
  return answer.json();
};

test('who writes does not wait for a search through very many runs', async () => {
  server = await startMltsServer();
  const runId = addRuns(join(server.folder, 'mlflow.db'), 0, 30_000, 10);
  const order: string[] = [];
  const search = async () => {
    const found = (await post('runs/search', {
      experiment_ids: ['0'],
      filter: `params.rate LIKE '%1%' AND metrics.m > 5 AND tags.team LIKE '%team%'`,
      order_by: ['metrics.loss', 'params.depth'],
      max_results: 5,
    })) as { runs: unknown[] };
    order.push('searched');
    expect(found.runs).toHaveLength(5);
  };
  const write = async (step: number) => {
    await post('runs/log-metric', { run_id: runId, key: 'k', value: 1, timestamp: 1, step });
    order.push('written');
  };
  await search();
  const searches = Array.from({ length: 6 }, search);
  await Promise.all([write(1), write(2)]);
  await Promise.all(searches);
  // Six searches take some hundred milliseconds, one after the other.
  expect(order.indexOf('written')).toBeLessThan(4);
  expect(order.slice(1)).toHaveLength(8);
});

test('a search sees what has been answered, with errors in the words of all others, and leaves nothing open', async () => {
  folder = await mkdtemp(join(testCache, 'searching-'));
  const uri = `sqlite:///${folder}/mlflow.db`;
  const context = createTestContext();
  const store = await openTrackingStore(uri, context, { isServer: true });
  const search = { experimentIds: ['0'], view: 'active_only', maxResults: 1_000 } as const;
  for (let count = 1; count <= 20; count += 1) {
    await store.createRun({ experimentId: '0', userId: 'ann', startTimeMs: count, tags: [] });
    expect((await store.searchRuns(search)).items).toHaveLength(count);
  }
  const other = new DatabaseSync(join(folder, 'mlflow.db'));
  other.exec('drop table tags');
  other.close();
  await expect(store.searchRuns(search)).rejects.toMatchObject({
    message: expect.stringContaining('mlflow.db: no such table: tags'),
  });
  await store.close();
  expect(await readdir(folder)).toEqual(['mlflow.db']);
});

test('whole numbers past 2^53 come through as they are', async () => {
  folder = await mkdtemp(join(testCache, 'searching-'));
  const uri = `sqlite:///${folder}/mlflow.db`;
  const connection = await openSqlConnection(uri, createTestContext(), { isServer: true });
  const id = 9_007_199_254_740_993n;
  await connection.database
    .insertInto('experiments')
    .values({ experiment_id: id, name: 'large', lifecycle_stage: 'active' } as never)
    .execute();
  const found = connection.searched.selectFrom('experiments').select('experiment_id');
  expect(await found.where('experiment_id', '=', id as never).execute()).toEqual([
    { experiment_id: id },
  ]);
  await connection.searched.destroy();
  await connection.database.destroy();
});

/** Of the process itself: what `stop` does is not enough here. */
async function waitForEnd({ process: running }: MltsServer): Promise<unknown> {
  if (running.exitCode === null && running.signalCode === null) await once(running, 'exit');
  return running.exitCode ?? running.signalCode;
}

const SEARCH = { experiment_ids: ['0'], max_results: 5 };

test('a server that has searched ends with 0, and leaves nothing beside its database', async () => {
  server = await startMltsServer();
  await post('runs/create', { experiment_id: '0' });
  await post('runs/search', SEARCH);
  server.process.kill('SIGTERM');
  expect(await waitForEnd(server)).toBe(0);
  const names = await readdir(server.folder);
  expect(names.filter((name) => name.startsWith('mlflow.db'))).toEqual(['mlflow.db']);
});

test('a search without an end holds nobody up: others write, and a second signal ends the server', async () => {
  server = await startMltsServer();
  const path = join(server.folder, 'mlflow.db');
  const runId = addRuns(path, 0, 20_000, 10);
  await post('runs/search', SEARCH);
  const filter = Array.from({ length: 800 }, () => `params.rate LIKE '%'`).join(' AND ');
  const endless = post('runs/search', { ...SEARCH, filter }).catch(() => 'cut');
  await post('runs/set-tag', { run_id: runId, key: 'written', value: 'meanwhile' });
  server.process.kill('SIGTERM');
  const { stderr } = server.process;
  while (stderr !== null && !server.said.stderr.includes('stopping')) await once(stderr, 'data');
  server.process.kill('SIGTERM');
  expect(await endless).toBe('cut');
  expect(await waitForEnd(server)).toBe('SIGTERM');
  const file = new DatabaseSync(path, { readOnly: true });
  const stored = file.prepare(`select value from tags where key = 'written'`).get();
  file.close();
  expect(stored).toEqual({ value: 'meanwhile' });
});

test('what `gc` removes beside the server is found no more', async () => {
  server = await startMltsServer();
  const path = join(server.folder, 'mlflow.db');
  const runId = addRuns(path, 0, 20, 1);
  const everything = { ...SEARCH, run_view_type: 'ALL', max_results: 100 };
  const count = async () => ((await post('runs/search', everything)) as { runs: [] }).runs.length;
  await post('runs/delete', { run_id: runId });
  expect(await count()).toBe(21);
  await execa(bin, ['gc', '--backend-store-uri', `sqlite:///${path}`, '--keep-artifacts']);
  expect(await count()).toBe(20);
});

test('a database that another one took the place of is not searched', async () => {
  server = await startMltsServer();
  const path = join(server.folder, 'mlflow.db');
  const other = join(server.folder, 'other.db');
  await (await openTrackingStore(`sqlite:///${other}`, createTestContext())).close();
  await rename(other, path);
  const answer = await fetch(`${server.uri}/api/2.0/mlflow/runs/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(SEARCH),
  });
  expect([answer.status, await answer.json()]).toEqual([
    503,
    expect.objectContaining({ error_code: 'TEMPORARILY_UNAVAILABLE' }),
  ]);
});

test('a thread that is lost fails what it was asked; the next query has another one', async () => {
  folder = await mkdtemp(join(testCache, 'searching-'));
  const path = join(folder, 'late.db');
  const dialect = createReadingDialect({ path, waitMs: 1_000 }, () => {});
  const database = new Kysely<Tables>({ dialect });
  const ask = () => database.selectFrom('tags').selectAll().execute();
  const [first, second] = await Promise.allSettled([ask(), ask()]);
  for (const lost of [first, second]) {
    expect(lost).toMatchObject({ status: 'rejected', reason: { errcode: 14 } });
  }
  const file = new DatabaseSync(path);
  file.exec('create table tags (key)');
  file.close();
  expect(await Promise.all([ask(), ask()])).toEqual([[], []]);
  await database.destroy();
});
