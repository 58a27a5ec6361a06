import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inTransaction } from '../../src/sql/connection.ts';
import { createNodeSqliteDialect } from '../../src/sql/node-sqlite-dialect.ts';
import { openTrackingStore } from '../../src/tracking/open.ts';
import type { TrackingStore } from '../../src/tracking/store.ts';
import { testCache } from '../setup/cache.ts';
import { createTestContext } from '../setup/context.ts';

let folder: string;
let uri: string;
let store: TrackingStore;
beforeAll(async () => {
  folder = await mkdtemp(join(testCache, 'group-commit-'));
  uri = `sqlite:///${folder}/mlflow.db`;
  store = await openTrackingStore(uri, createTestContext());
});
afterAll(async () => {
  await store?.close();
  await rm(folder, { recursive: true, force: true });
});

test('of many transactions at once those that fail take nothing of the others along', async () => {
  const run = { experimentId: '0', userId: 'ann', startTimeMs: 1, tags: [] };
  const { info } = await store.createRun(run);
  await store.logBatch(info.id, { params: [{ key: 'fixed', value: 'a' }] });
  const writes = Array.from({ length: 200 }, (_, index) =>
    store.logBatch(info.id, {
      tags: [{ key: `tag${index}`, value: 'x' }],
      // Every third one comes too late with another value, after its param was written.
      params: [
        { key: `param${index}`, value: 'x' },
        ...(index % 3 === 0 ? [{ key: 'fixed', value: 'b' }] : []),
      ],
    }),
  );
  const ended = await Promise.allSettled(writes);
  const succeeded = ended.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
  expect(succeeded).toEqual(ended.flatMap((_, index) => (index % 3 === 0 ? [] : [index])));
  // Another connection sees all that was acknowledged, and nothing else.
  const other = await openTrackingStore(uri, createTestContext());
  const { params, tags } = await other.getRun(info.id);
  await other.close();
  const expected = succeeded.map((index) => `param${index}`);
  expect(params.map(({ key }) => key).sort()).toEqual([...expected, 'fixed'].sort());
  expect(tags.filter(({ key }) => key.startsWith('tag'))).toHaveLength(succeeded.length);
});

test.each([
  { failure: 'before it writes', writesFirst: false, most: 1 },
  { failure: 'after it has written', writesFirst: true, most: 2 },
])('one that fails $failure has the others run $most times at most', async (failing) => {
  const file = new DatabaseSync(':memory:');
  file.exec('create table t (x)');
  const database = new Kysely<{ t: { x: number } }>({
    dialect: createNodeSqliteDialect(file, 1_000),
  });
  const times: number[] = [];
  const writing = Array.from({ length: 40 }, (_, x) =>
    inTransaction(database, async (transaction) => {
      times[x] = (times[x] ?? 0) + 1;
      const fails = x % 4 === 3;
      if (fails && !failing.writesFirst) throw new Error('no');
      await transaction.insertInto('t').values({ x }).execute();
      if (fails) throw new Error('no');
    }),
  );
  const ended = await Promise.allSettled(writing);
  const stored = ended.flatMap(({ status }, x) => (status === 'fulfilled' ? [x] : []));
  expect(stored).toEqual(Array.from({ length: 40 }, (_, x) => x).filter((x) => x % 4 !== 3));
  expect(Math.max(...times)).toBe(failing.most);
  const rows = file.prepare('select x from t order by x').all();
  expect(rows.map(({ x }) => x)).toEqual(stored);
  await database.destroy();
});

test('what is read between transactions is on the disk', async () => {
  const run = { experimentId: '0', userId: 'ann', startTimeMs: 1, tags: [] };
  const { info } = await store.createRun(run);
  const other = await openTrackingStore(uri, createTestContext());
  const seen: boolean[] = [];
  const writing = Array.from({ length: 30 }, (_, step) =>
    store.logBatch(info.id, { metrics: [{ key: 'm', value: step, timestampMs: 1, step }] }),
  );
  const reading = Array.from({ length: 10 }, async () => {
    const [latest] = (await store.getRun(info.id)).metrics;
    const [stored] = (await other.getRun(info.id)).metrics;
    seen.push((stored?.step ?? -1) >= (latest?.step ?? -1));
  });
  await Promise.all([...writing, ...reading]);
  await other.close();
  expect(seen).toEqual(Array.from({ length: 10 }, () => true));
});

/** Pages in SQLite's log that end a transaction (https://sqlite.org/fileformat2.html#the_write_ahead_log). */
async function countCommits(path: string): Promise<number> {
  const log = await readFile(`${path}-wal`);
  const pageBytes = log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + 24 + pageBytes <= log.length; at += 24 + pageBytes) {
    if (log.readUInt32BE(at + 4) !== 0) commits += 1;
  }
  return commits;
}

test('transactions that come together are synced together', async () => {
  const path = join(folder, 'server.db');
  const shared = await openTrackingStore(`sqlite:///${path}`, createTestContext(), {
    isServer: true,
  });
  const run = { experimentId: '0', userId: 'ann', startTimeMs: 1, tags: [] };
  await shared.createRun(run);
  const before = await countCommits(path);
  await Promise.all(Array.from({ length: 60 }, () => shared.createRun(run)));
  expect((await countCommits(path)) - before).toBe(1);
  await shared.close();
});

test('while another program holds the file, nobody waits for what those before him wait', async () => {
  const path = join(folder, 'held.db');
  const file = new DatabaseSync(path, { timeout: 0 });
  file.exec('create table t (x)');
  const database = new Kysely<{ t: { x: number } }>({
    dialect: createNodeSqliteDialect(file, 1_000),
  });
  const write = () =>
    database
      .transaction()
      .execute((transaction) => transaction.insertInto('t').values({ x: 1 }).execute());
  const other = new DatabaseSync(path);
  other.exec('begin immediate');
  const waiting = Array.from({ length: 100 }, write);
  // One after the other they would wait for 100 seconds.
  const ended = await Promise.race([Promise.allSettled(waiting), sleep(50_000)]);
  expect(ended).toHaveLength(100);
  other.exec('rollback');
  other.close();
  await write();
  expect(file.prepare('select count(*) as n from t').get()).toEqual({ n: 1 });
  await database.destroy();
}, 60_000);

test('a commit that fails takes along those that share it, and nobody who comes after', async () => {
  const file = new DatabaseSync(join(folder, 'failing.db'));
  file.exec(`create table t (x); create table parent (id integer primary key);
    create table child (id references parent deferrable initially deferred)`);
  interface Rows {
    t: { x: number };
    child: { id: number };
  }
  const database = new Kysely<Rows>({ dialect: createNodeSqliteDialect(file, 1_000) });
  const write = (x: number) =>
    database.transaction().execute(async (transaction) => {
      await transaction.insertInto('t').values({ x }).execute();
      // Its parent is missed when the transaction is committed, and not before.
      if (x === 9) await transaction.insertInto('child').values({ id: 1 }).execute();
      await transaction.insertInto('t').values({ x }).execute();
    });
  const ended = await Promise.allSettled(Array.from({ length: 150 }, (_, x) => write(x)));
  const stored = ended.flatMap(({ status }, x) => (status === 'fulfilled' ? [x, x] : []));
  expect(stored.length).toBeGreaterThan(0);
  expect(stored).not.toContain(9);
  const rows = file.prepare('select x from t order by x').all();
  expect(rows.map(({ x }) => x)).toEqual(stored);
  await database.destroy();
});
