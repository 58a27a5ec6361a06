import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { testCache } from './cache.ts';
import { findFreePort } from './mlflow.ts';
import { type MltsServer, startMltsServer } from './mlts-server.ts';

export interface CrashReport {
  readonly kills: number;
  /** Writes that were answered with 200. */
  readonly acknowledged: number;
  /** Acknowledged, and not in the database. */
  readonly lost: readonly string[];
  /** Runs that hold a part of what one request wrote. */
  readonly torn: readonly string[];
  /** What SQLite says of the file; `ok`. */
  readonly integrity: string;
}

/** One run, and how many batches of it were acknowledged. */
interface Written {
  readonly runId: string;
  batches: number;
}

const PER_BATCH = 5;
const BATCHES = 20;

/**
 * Lets clients write to `mlts server` all at once, and again and again ends it with SIGKILL and starts it anew;
 * then counts in the database what was acknowledged.
 *
 * @param options.seconds how long it goes on between two kills.
 */
export async function writeThroughCrashes(options: {
  readonly clients: number;
  readonly kills: number;
  readonly seconds: number;
}): Promise<CrashReport> {
  const folder = await mkdtemp(join(testCache, 'crashes-'));
  const path = join(folder, 'mlflow.db');
  const port = String(await findFreePort());
  const start = () => startMltsServer(['--backend-store-uri', `sqlite:///${path}`, '--port', port]);
  let server = await start();
  const writing = startClients(server.uri, options.clients);
  try {
    for (let kill = 0; kill < options.kills; kill += 1) {
      await sleep(options.seconds * 1_000);
      await killServer(server);
      server = await start();
    }
    const written = await writing.stop();
    await server.stop();
    return { kills: options.kills, ...compare(path, written) };
  } finally {
    await writing.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function killServer(server: MltsServer): Promise<void> {
  server.process.kill('SIGKILL');
  await server.stop();
}

function startClients(uri: string, count: number) {
  const written: Written[] = [];
  let isEnding = false;
  const client = async (): Promise<void> => {
    while (!isEnding) await writeRun(uri, written).catch(() => sleep(20));
  };
  const clients = Promise.all(Array.from({ length: count }, client));
  return {
    stop: async (): Promise<readonly Written[]> => {
      isEnding = true;
      await clients;
      return written;
    },
  };
}

/** A run with batches of metrics, each with a param beside it. @throws Error at the first answer that is not 200. */
async function writeRun(uri: string, written: Written[]): Promise<void> {
  const { run } = (await post(uri, 'runs/create', { experiment_id: '0' })) as {
    run: { info: { run_id: string } };
  };
  const mine: Written = { runId: run.info.run_id, batches: 0 };
  written.push(mine);
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const metrics = Array.from({ length: PER_BATCH }, (_, key) => ({
      key: `m${key}`,
      value: batch,
      timestamp: batch,
      step: batch,
    }));
    const params = [{ key: `p${batch}`, value: String(batch) }];
    await post(uri, 'runs/log-batch', { run_id: mine.runId, metrics, params });
    mine.batches += 1;
  }
}

async function post(uri: string, path: string, body: unknown): Promise<unknown> {
  const answer = await fetch(`${uri}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function compare(path: string, written: readonly Written[]): Omit<CrashReport, 'kills'> {
  const database = new DatabaseSync(path);
  const count = (table: string) => {
    const rows = database
      .prepare(`select run_uuid as id, count(*) as n from ${table} group by run_uuid`)
      .all();
    return new Map(rows.map(({ id, n }) => [String(id), Number(n)]));
  };
  const [metrics, params, latest] = [count('metrics'), count('params'), count('latest_metrics')];
  const runs = count('runs');
  const [check] = database.prepare('pragma integrity_check').all();
  database.close();
  return {
    acknowledged: written.reduce((sum, { batches }) => sum + 1 + batches, 0),
    lost: written
      .filter(({ runId, batches }) => !runs.has(runId) || (params.get(runId) ?? 0) < batches)
      .map(({ runId }) => runId),
    torn: [...runs.keys()].filter((id) => {
      const batches = params.get(id) ?? 0;
      const isWhole = (metrics.get(id) ?? 0) === batches * PER_BATCH;
      return !isWhole || (latest.get(id) ?? 0) !== (batches > 0 ? PER_BATCH : 0);
    }),
    integrity: String(check?.integrity_check),
  };
}
