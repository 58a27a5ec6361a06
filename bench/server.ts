import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addRuns, removeOtherRuns } from '../test/setup/many-runs.ts';
import { ensureMlflow, findFreePort, mlflowEnv, type RunningServer } from '../test/setup/mlflow.ts';
import { startMltsServer } from '../test/setup/mlts-server.ts';
import { startPostgres } from '../test/setup/postgres.ts';
import type { Load } from './load.ts';
import { reportRatio } from './measure.ts';
import { startServed } from './served.ts';
import { type Asked, createRun, loadServer } from './server-load.ts';
import { measureSqliteAlone } from './sqlite-alone.ts';
import { startUsualMlflow } from './usual-mlflow.ts';

/**
 * Requests a second of `mlts server` and `mlflow server` (its default 4 workers), each on a database of its own,
 * measured in turn; on PostgreSQL only what writes. `BENCH_STORES` (sqlite,postgresql); `BENCH_SECONDS` (3) for each
 * figure; `BENCH_CONNECTIONS` (1,8,64); `BENCH_RUNS` (1000) that searches go through; `BENCH_POINTS` (50000) of one metric.
 */
const mlts = resolve(import.meta.dirname, '../bin/mlts.cjs');
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const CONNECTIONS = (process.env.BENCH_CONNECTIONS ?? '1,8,64').split(',').map(Number);
const STORES = (process.env.BENCH_STORES ?? 'sqlite,postgresql').split(',');
const RUNS = Number(process.env.BENCH_RUNS ?? 1_000);
const POINTS = Number(process.env.BENCH_POINTS ?? 50_000);

const WRITES: readonly Asked[] = ['runs/create', 'log-metric', 'log-batch of 100 metrics'];
const READS: readonly (readonly [Asked, goal: number])[] = [
  ['runs/search, page of 100', 15],
  ['runs/search, filter and order', 15],
  ['history of a metric', 5],
];

/** The two, started. */
export interface Contest {
  readonly ours: RunningServer;
  readonly theirs: RunningServer;
  stop(): Promise<void>;
}

/** On SQLite, and where the database of each is. */
export async function startContest(): Promise<
  Contest & { readonly databases: readonly [ours: string, theirs: string] }
> {
  const [theirs, ours] = [await startUsualMlflow(), await startMltsServer()];
  await warmUp([theirs, ours]);
  return {
    ours,
    theirs,
    databases: [join(ours.folder, 'mlflow.db'), join(theirs.folder, 'mlflow.db')],
    stop: async () => {
      await Promise.all([ours.stop(), theirs.stop()]);
    },
  };
}

/** Two databases of one PostgreSQL, which waits for the disk as it does for users. */
async function startPostgresContest(): Promise<Contest> {
  const postgres = await startPostgres({ syncs: true });
  const at = async () => ['--backend-store-uri', await postgres.createDatabase()];
  const theirs = await startUsualMlflow(await at());
  const ours = await startMltsServer(await at());
  await warmUp([theirs, ours]);
  return {
    ours,
    theirs,
    stop: async () => {
      await Promise.all([ours.stop(), theirs.stop()]);
      await postgres.stop();
    },
  };
}

/** Python imports much with its first requests, in each of its workers. */
async function warmUp(servers: readonly RunningServer[]): Promise<void> {
  for (const { uri } of servers) {
    await loadServer(uri, 'runs/create', '', { connections: 8, seconds: 5 });
  }
}

export async function benchServer(): Promise<void> {
  if (STORES.includes('sqlite')) await benchOnSqlite();
  if (STORES.includes('postgresql')) await benchOnPostgres();
}

async function benchOnSqlite(): Promise<void> {
  await compareStarts();
  const contest = await startContest();
  try {
    await compareWrites(contest, 20);
    await tellOfSqlite(contest.ours.uri, contest.databases[0]);
    contest.databases.forEach(removeOtherRuns);
    const ids = contest.databases.map((path) => addRuns(path, 0, RUNS, POINTS));
    for (const [asked, goal] of READS) await compare(contest, asked, ids, 1, goal);
  } finally {
    await contest.stop();
  }
}

async function benchOnPostgres(): Promise<void> {
  const contest = await startPostgresContest();
  console.log('on PostgreSQL:');
  try {
    await compareWrites(contest, 8);
  } finally {
    await contest.stop();
  }
}

async function compareWrites(contest: Contest, goal: number): Promise<void> {
  for (const asked of WRITES) {
    for (const connections of CONNECTIONS) {
      const runs = [await createRun(contest.ours.uri), await createRun(contest.theirs.uri)];
      await compare(contest, asked, runs, connections, goal);
    }
  }
}

/** In the database that our server wrote to just now. */
async function tellOfSqlite(uri: string, path: string): Promise<void> {
  for (const batches of CONNECTIONS) {
    const amount = { batches, seconds: SECONDS };
    const perSecond = measureSqliteAlone(path, await createRun(uri), amount);
    const title = `SQLite alone, ${batches} such batch${batches === 1 ? '' : 'es'} in a commit`;
    console.log(`${title.padEnd(46)} ${perSecond.toFixed(0).padStart(6)} a second`);
  }
}

/** From nothing to the first answer, on a new database, and what all processes hold then. */
async function compareStarts(): Promise<void> {
  const { mlflow } = await ensureMlflow();
  const [a, b] = [await startIdle(mlts, []), await startIdle(mlflow, ['--workers', '4'])];
  reportRatio('ready', a.readyMs, b.readyMs, 'ms', 40);
  reportRatio('memory when idle', a.memoryMiB, b.memoryMiB, 'MiB', 30);
}

async function startIdle(program: string, more: readonly string[]) {
  const cwd = await mkdtemp(join(tmpdir(), 'mlts-bench-'));
  const port = String(await findFreePort());
  const served = await startServed([program, 'server', '--port', port, ...more], {
    url: `http://127.0.0.1:${port}`,
    healthPath: '/health',
    env: mlflowEnv(),
    cwd,
  });
  const memoryMiB = await sleep(5_000).then(() => served.measureMemoryMiB());
  await served.stop();
  await rm(cwd, { recursive: true, force: true });
  return { readyMs: served.readyMs, memoryMiB };
}

async function compare(
  { ours, theirs }: Contest,
  asked: Asked,
  [ourRun = '', theirRun = '']: readonly string[],
  connections: number,
  goal: number,
): Promise<void> {
  const amount = { connections, seconds: SECONDS };
  const a = await loadServer(ours.uri, asked, ourRun, amount);
  const b = await loadPatiently(theirs.uri, asked, theirRun, amount);
  const title = `${asked}, ${connections} connection${connections === 1 ? '' : 's'}`;
  const ratio = a.requestsPerSecond / b.requestsPerSecond;
  console.log(
    `${title.padEnd(46)} ${a.requestsPerSecond.toFixed(0).padStart(6)} against ${b.requestsPerSecond.toFixed(1)} req/s: ` +
      `${ratio.toFixed(1)} x  (goal ${goal} x: ${ratio >= goal ? 'ok' : 'MISSED'})`,
  );
}

/** MLflow may still be busy with what it was asked before, and answer nothing: then it gets more time, by itself. */
async function loadPatiently(
  uri: string,
  asked: Asked,
  runId: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<Load> {
  for (let longer = seconds; ; longer *= 4) {
    const load = await loadServer(uri, asked, runId, { connections, seconds: longer });
    if (load.requestsPerSecond > 0 || longer > 100) return load;
  }
}
