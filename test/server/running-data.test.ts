import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bin } from '../cli/rig.ts';
import { mlflowEnv } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

let server: MltsServer;
beforeAll(async () => {
  server = await startMltsServer();
});
afterAll(() => server?.stop());

const mlts = (words: readonly string[], env: Record<string, string> = {}) =>
  execa(bin, words, {
    cwd: server.folder,
    env: mlflowEnv({ NO_COLOR: '1', ...env }),
    extendEnv: false,
    reject: false,
  });

async function post<T>(path: string, body: unknown): Promise<T> {
  const answer = await fetch(`${server.uri}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as T;
}

async function createRun(): Promise<string> {
  const made = await post<{ run: { info: { run_id: string } } }>('runs/create', {
    experiment_id: '0',
  });
  return made.run.info.run_id;
}

async function upload(run: string): Promise<void> {
  const path = `0/${run}/artifacts/note.txt`;
  const answer = await fetch(`${server.uri}/api/2.0/mlflow-artifacts/artifacts/${path}`, {
    method: 'PUT',
    body: 'hello',
  });
  expect(answer.status).toBe(200);
}

const PER_BATCH = 20;

/** Clients that write until they are told to stop: each run gets all of its params at once, or none. */
function startWriters(): { stop(): Promise<void>; readonly acknowledged: Set<string> } {
  const acknowledged = new Set<string>();
  let isOver = false;
  const write = async (): Promise<void> => {
    while (!isOver) {
      const run = await createRun();
      const params = Array.from({ length: PER_BATCH }, (_, i) => ({ key: `p${i}`, value: 'v' }));
      await post('runs/log-batch', { run_id: run, params });
      acknowledged.add(run);
    }
  };
  const writers = Promise.all(Array.from({ length: 4 }, write));
  return {
    acknowledged,
    async stop() {
      isOver = true;
      await writers;
    },
  };
}

function countParams(database: string): ReadonlyMap<string, number> {
  const file = new DatabaseSync(database, { readOnly: true });
  expect(file.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  const rows = file.prepare('SELECT run_uuid AS id, count(*) AS n FROM params GROUP BY 1').all();
  file.close();
  return new Map(rows.map(({ id, n }) => [String(id), Number(n)]));
}

describe('while a server runs and clients write', () => {
  test('mlts db backup copies one moment: batches whole, and all that was answered before', async () => {
    const writers = startWriters();
    const url = `sqlite:///${join(server.folder, 'mlflow.db')}`;
    try {
      for (const name of ['one.db', 'two.db']) {
        await expect.poll(() => writers.acknowledged.size, { timeout: 30_000 }).toBeGreaterThan(50);
        const before = [...writers.acknowledged];
        const ended = await mlts(['db', 'backup', url, name]);
        expect(ended).toMatchObject({ exitCode: 0, stdout: join(server.folder, name) });
        const params = countParams(join(server.folder, name));
        expect(before.filter((run) => params.get(run) !== PER_BATCH)).toEqual([]);
        expect([...params.values()].filter((count) => count !== PER_BATCH)).toEqual([]);
      }
    } finally {
      await writers.stop();
    }
    // What was written during the copy is not lost to the original.
    const kept = countParams(join(server.folder, 'mlflow.db'));
    expect([...writers.acknowledged].filter((run) => kept.get(run) !== PER_BATCH)).toEqual([]);
    // The copy is a database that mlts opens.
    const copy = { MLFLOW_TRACKING_URI: 'sqlite:///two.db' };
    const found = await mlts(['runs', 'search', '--max-results', '5', '-o', 'json'], copy);
    expect(JSON.parse(found.stdout)).toHaveLength(5);
    expect((await readdir(server.folder)).filter((name) => /^\.(one|two)/.test(name))).toEqual([]);
  }, 120_000);

  test('a copy that is there is kept, and what cannot be copied gets one line', async () => {
    await writeFile(join(server.folder, 'there.db'), 'mine');
    const url = `sqlite:///${join(server.folder, 'mlflow.db')}`;
    for (const [words, says] of [
      [[url, 'there.db'], /^error: .*there\.db is there already\nhint: .*--overwrite/],
      [['sqlite:///nobody.db', 'new.db'], /^error: .*nobody\.db: .*cannot be opened/m],
      [['sqlite:///there.db', 'new.db'], /^error: .*there\.db: the file is no SQLite database/m],
      [
        ['postgresql://u:secret@h/db', 'new.db'],
        /^error: mlts backs up SQLite.*\nhint: use pg_dump/,
      ],
      [[url, 'no/such/folder.db'], /^error: cannot write to /m],
    ] as const) {
      const ended = await mlts(['db', 'backup', ...words]);
      expect(ended).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(says) });
      expect(ended.stderr).not.toMatch(/secret|bug in mlts/);
    }
    expect(existsSync(join(server.folder, 'new.db'))).toBe(false);
    expect((await mlts(['db', 'backup', url, 'there.db', '--overwrite'])).exitCode).toBe(0);
    expect(countParams(join(server.folder, 'there.db')).size).toBeGreaterThan(0);
  }, 60_000);

  test('mlts gc removes what is deleted, and nothing else', async () => {
    const gone = await Promise.all(Array.from({ length: 20 }, createRun));
    const stays = await createRun();
    for (const run of [...gone, stays]) await upload(run);
    for (const run of gone) await post('runs/delete', { run_id: run });
    const writers = startWriters();
    const gc = ['gc', '--backend-store-uri', 'sqlite:///mlflow.db'];
    const ended = await mlts([...gc, '--tracking-uri', server.uri]);
    await writers.stop();
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
    expect(ended.stderr).toContain('removed 20 runs');
    const kept = countParams(join(server.folder, 'mlflow.db'));
    expect([...writers.acknowledged].filter((run) => kept.get(run) !== PER_BATCH)).toEqual([]);
    const hasNote = (run: string) =>
      existsSync(join(server.folder, 'mlartifacts/0', run, 'artifacts/note.txt'));
    expect(gone.filter(hasNote)).toEqual([]);
    expect(hasNote(stays)).toBe(true);
    for (const run of gone) {
      const url = `${server.uri}/api/2.0/mlflow/runs/get?run_id=${run}`;
      expect((await fetch(url)).status).toBe(404);
    }
  }, 120_000);
});
