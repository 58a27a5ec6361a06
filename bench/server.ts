import { Agent, request } from 'node:http';
import { type RunningServer, startMlflowServer } from '../test/setup/mlflow.ts';
import { startMltsServer } from '../test/setup/mlts-server.ts';

/**
 * Requests a second of `mlts server` and `mlflow server` (its default 4 workers), each on a SQLite database
 * of its own, measured in turn. `BENCH_SECONDS` (3) for each figure; `BENCH_CONNECTIONS` (1,8,64);
 * `BENCH_RUNS` (1000) that searches go through; `BENCH_POINTS` (50000) of one metric.
 */
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const CONNECTIONS = (process.env.BENCH_CONNECTIONS ?? '1,8,64').split(',').map(Number);
const RUNS = Number(process.env.BENCH_RUNS ?? 1_000);
const POINTS = Number(process.env.BENCH_POINTS ?? 50_000);
const PER_BATCH = 1_000;

const FILTERED = {
  experiment_ids: ['0'],
  max_results: 100,
  filter: 'metrics.m > 10',
  order_by: ['metrics.m DESC'],
};

export async function benchServer(): Promise<void> {
  const theirs = await startMlflowServer(['--workers', '4']);
  const ours = await startMltsServer();
  try {
    await compareWrites(ours, theirs);
    await compareReads(ours, theirs);
  } finally {
    await Promise.all([ours.stop(), theirs.stop()]);
  }
}

type Ask = (agent: Agent, uri: string, runId: string, count: number) => Promise<unknown>;

async function compareWrites(ours: RunningServer, theirs: RunningServer): Promise<void> {
  const writes: Readonly<Record<string, Ask>> = {
    'runs/create': (agent, uri) => post(agent, uri, 'runs/create', { experiment_id: '0' }),
    'log-metric': (agent, uri, runId, count) =>
      post(agent, uri, 'runs/log-metric', { run_id: runId, ...point('m', count) }),
    'log-batch of 100 metrics': (agent, uri, runId, count) => {
      const metrics = Array.from({ length: 100 }, (_, key) => point(`m${key}`, count));
      return post(agent, uri, 'runs/log-batch', { run_id: runId, metrics });
    },
  };
  for (const [name, ask] of Object.entries(writes)) {
    for (const connections of CONNECTIONS) await compare(name, ask, connections, ours, theirs);
  }
}

async function compareReads(ours: RunningServer, theirs: RunningServer): Promise<void> {
  const [runOfOurs, runOfTheirs] = [await fill(ours.uri), await fill(theirs.uri)];
  const search: Ask = (agent, uri) => post(agent, uri, 'runs/search', FILTERED);
  await compare(`runs/search of ${RUNS}, filter and order`, search, 1, ours, theirs);
  const runs = new Map([
    [ours.uri, runOfOurs],
    [theirs.uri, runOfTheirs],
  ]);
  const history: Ask = (agent, uri) =>
    get(agent, uri, `metrics/get-history?metric_key=long&run_id=${runs.get(uri)}`);
  await compare(`history of ${POINTS} points`, history, 1, ours, theirs);
}

/** Runs with a metric to search by; returns one with a long history. */
async function fill(uri: string): Promise<string> {
  const agent = new Agent({ keepAlive: true });
  for (let index = 0; index < RUNS; index += 1) {
    const runId = await createRun(agent, uri);
    await post(agent, uri, 'runs/log-metric', { run_id: runId, ...point('m', index) });
  }
  const runId = await createRun(agent, uri);
  for (let start = 0; start < POINTS; start += PER_BATCH) {
    const metrics = Array.from({ length: PER_BATCH }, (_, step) => point('long', start + step));
    await post(agent, uri, 'runs/log-batch', { run_id: runId, metrics });
  }
  agent.destroy();
  return runId;
}

async function compare(
  name: string,
  ask: Ask,
  connections: number,
  ours: RunningServer,
  theirs: RunningServer,
): Promise<void> {
  const [a, b] = [
    await measure(ask, connections, ours.uri),
    await measure(ask, connections, theirs.uri),
  ];
  const title = `${name}, ${connections} connection${connections === 1 ? '' : 's'}`;
  const ratio = (a / b).toFixed(1);
  console.log(`${title.padEnd(52)} ${a.toFixed(0)} against ${b.toFixed(0)} req/s: ${ratio} x`);
}

async function measure(ask: Ask, connections: number, uri: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const runId = await createRun(agent, uri);
  const [startMs, endMs] = [performance.now(), performance.now() + SECONDS * 1_000];
  let [count, failed] = [0, 0];
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      count += 1;
      await ask(agent, uri, runId, count).catch(() => {
        failed += 1;
      });
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  if (failed > 0) console.log(`${failed} of ${count} requests failed at ${uri}`);
  return ((count - failed) / (performance.now() - startMs)) * 1_000;
}

function point(key: string, step: number) {
  return { key, value: step / 2, timestamp: 1_700_000_000_000 + step, step };
}

async function createRun(agent: Agent, uri: string): Promise<string> {
  const answer = await post(agent, uri, 'runs/create', { experiment_id: '0' });
  return (JSON.parse(answer) as { run: { info: { run_id: string } } }).run.info.run_id;
}

function post(agent: Agent, uri: string, path: string, body: unknown): Promise<string> {
  return send(agent, uri, path, 'POST', JSON.stringify(body));
}

function get(agent: Agent, uri: string, path: string): Promise<string> {
  return send(agent, uri, path, 'GET', '');
}

/** @throws Error for any answer but 200: a figure of failures is none. */
function send(
  agent: Agent,
  uri: string,
  path: string,
  method: string,
  body: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const asking = request(`${uri}/api/2.0/mlflow/${path}`, { agent, method, headers });
    asking.once('error', reject);
    asking.once('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      answer.once('error', reject).once('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`${path}: ${answer.statusCode} ${text.slice(0, 200)}`));
      });
    });
    asking.end(body);
  });
}
