import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionStringOf } from '../../src/sql/postgres.ts';
import { createReadingDialect } from '../../src/sql/reading-dialect.ts';
import type { Tables } from '../../src/sql/tables.ts';
import { testCache } from '../setup/cache.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';

test('in SQLite, a query that nobody waits for when its turn comes is not run', async () => {
  const folder = await mkdtemp(join(testCache, 'abandoned-'));
  const path = join(folder, 'some.db');
  new DatabaseSync(path).exec('create table t (x)');
  const dialect = createReadingDialect({ path, waitMs: 1_000 }, () => {});
  const database = new Kysely<Tables>({ dialect });
  const count = (end: string) => sql<{ n: number }>`
    with recursive numbers (i) as (select 1 union all select i + 1 from numbers ${sql.raw(end)})
    select count(*) as n from numbers`;
  const gone = new AbortController();
  const first = count('limit 200000').execute(database);
  // One that is run would not end.
  const endless = count('').execute(database, { signal: gone.signal });
  const third = count('limit 3').execute(database);
  gone.abort(new Error('gone'));
  await expect(endless).rejects.toThrow('gone');
  expect((await first).rows).toEqual([{ n: 200_000 }]);
  expect((await third).rows).toEqual([{ n: 3 }]);
  await database.destroy();
  await rm(folder, { recursive: true });
});

describeOnPostgres('in PostgreSQL', (postgres) => {
  let server: MltsServer;
  let other: pg.Client;
  beforeAll(async () => {
    const uri = await postgres().createDatabase();
    server = await startMltsServer(['--backend-store-uri', uri, '--access-log']);
    other = new pg.Client({ connectionString: connectionStringOf(uri) });
    await other.connect();
  });
  afterAll(async () => {
    await other?.end();
    await server?.stop();
  });

  const WAITING = `select count(*)::int as n from pg_stat_activity
    where application_name = 'mlts' and wait_event_type = 'Lock'`;
  const waitFor = async (expected: number): Promise<void> => {
    for (let found = -1; found !== expected; await sleep(20)) {
      found = (await other.query(WAITING)).rows[0].n;
    }
  };

  test('a search whose client has gone is taken back, and the log tells of it', async () => {
    await other.query('begin; lock table runs in access exclusive mode');
    const gone = new AbortController();
    const search = fetch(`${server.uri}/api/2.0/mlflow/runs/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'abandoned' },
      body: JSON.stringify({ experiment_ids: ['0'] }),
      signal: gone.signal,
    }).catch(({ name }: Error) => name);
    await waitFor(1);
    gone.abort();
    expect(await search).toBe('AbortError');
    await waitFor(0);
    await other.query('rollback');
    const answer = await fetch(`${server.uri}/api/2.0/mlflow/runs/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ experiment_ids: ['0'] }),
    });
    expect(answer.status).toBe(200);
    const logged = server.said.stdout.split('\n').find((line) => line.includes('abandoned'));
    expect(JSON.parse(logged ?? '{}')).toMatchObject({ status: 499 });
    expect(server.said.stderr).not.toContain('aborted');
  });
});
