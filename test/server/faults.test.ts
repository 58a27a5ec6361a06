import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { testCache } from '../setup/cache.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';
import { mountSmallDisk, whyNoSmallDisk } from '../setup/small-disk.ts';

let server: MltsServer;
afterEach(() => server?.stop());

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly runId: string;
}

async function createRun(tag = ''): Promise<Answer> {
  const answer = await fetch(`${server.uri}/api/2.0/mlflow/runs/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ experiment_id: '0', tags: [{ key: 'weight', value: tag }] }),
  });
  const body = (await answer.json()) as {
    error_code?: string;
    run?: { info: { run_id: string } };
  };
  return { status: answer.status, code: body.error_code, runId: body.run?.info.run_id ?? '' };
}

/** Every answer is one of the two: it is stored, or the client may try again. */
const GONE = { status: 503, code: 'TEMPORARILY_UNAVAILABLE' };

/** Writes until the last one succeeds. Returns the ids of all that did. */
async function writeUntilWell(): Promise<readonly string[]> {
  const written: string[] = [];
  for (;;) {
    const { status, code, runId } = await createRun();
    if (status === 200) return [...written, runId];
    expect({ status, code }).toEqual(GONE);
    await sleep(20);
  }
}

async function isStored(runId: string): Promise<boolean> {
  const answer = await fetch(`${server.uri}/api/2.0/mlflow/runs/get?run_id=${runId}`);
  return answer.status === 200;
}

async function expectStored(runIds: readonly string[]): Promise<void> {
  const stored = await Promise.all(runIds.map(isStored));
  expect(runIds.filter((_, index) => !stored[index])).toEqual([]);
}

describe('a SQLite file', () => {
  test('that another program writes to is waited for', async () => {
    server = await startMltsServer();
    const other = new DatabaseSync(join(server.folder, 'mlflow.db'));
    other.exec('begin immediate');
    const asked = Array.from({ length: 20 }, () => createRun());
    // They can be read meanwhile.
    expect((await fetch(`${server.uri}/api/2.0/mlflow/experiments/get?experiment_id=0`)).ok).toBe(
      true,
    );
    other.exec('commit');
    other.close();
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status)).toEqual(asked.map(() => 200));
  });

  test('that was moved away, or replaced, is written to no more, until it is back', async () => {
    server = await startMltsServer();
    const path = join(server.folder, 'mlflow.db');
    const before = await createRun();
    await rename(path, `${path}.away`);
    expect(await createRun()).toMatchObject(GONE);
    await writeFile(path, 'another file');
    expect(await createRun()).toMatchObject(GONE);
    await rename(`${path}.away`, path);
    const after = await createRun();
    await expectStored([before.runId, after.runId]);
  });

  const noDisk = whyNoSmallDisk();
  test('on a full disk takes nothing half, and goes on when there is room', async (context) => {
    const reason = await noDisk;
    if (reason !== undefined) context.skip(reason);
    await using disk = await mountSmallDisk(join(testCache, `full-${process.pid}`), 6_000);
    server = await startMltsServer(['--backend-store-uri', `sqlite:///${disk.path}/mlflow.db`]);
    await writeFile(join(disk.path, 'ballast'), Buffer.alloc(2_000_000));
    const heavy = 'x'.repeat(5_000);
    const written: string[] = [];
    let failed = 0;
    while (failed < 5) {
      const answers = await Promise.all(Array.from({ length: 16 }, () => createRun(heavy)));
      for (const { status, code, runId } of answers) {
        if (status === 200) written.push(runId);
        else {
          expect({ status, code }).toEqual(GONE);
          failed += 1;
        }
      }
    }
    await rm(join(disk.path, 'ballast'));
    written.push(...(await writeUntilWell()));
    await expectStored(written);
    const database = new DatabaseSync(join(disk.path, 'mlflow.db'));
    const { runs } = database.prepare('select count(*) as runs from runs').get() ?? {};
    database.close();
    expect(runs).toBe(written.length);
    await server.stop();
  });
});

describeOnPostgres('PostgreSQL', (postgres) => {
  test('that stops under load and starts again: nothing acknowledged is lost', async () => {
    const uri = await postgres().createDatabase();
    server = await startMltsServer(['--backend-store-uri', uri]);
    const written: string[] = [];
    let [isEnding, failures] = [false, 0];
    const clients = Array.from({ length: 20 }, async () => {
      while (!isEnding) {
        const { status, code, runId } = await createRun();
        if (status === 200) written.push(runId);
        else {
          expect({ status, code }).toEqual(GONE);
          failures += 1;
          await sleep(10);
        }
      }
    });
    while (written.length < 100) await sleep(10);
    await postgres().halt();
    while (failures < 40) await sleep(10);
    await postgres().resume();
    written.push(...(await writeUntilWell()));
    isEnding = true;
    await Promise.all(clients);
    await expectStored(written);
  }, 120_000);
});
