import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { execa } from 'execa';
import { ensureMlflow, mlflowEnv } from '../test/setup/mlflow.ts';
import { type Contender, compareCosts, reportRatio } from './measure.ts';

/**
 * What finding costs: the lists of experiments and runs, a metric filter over 10,000 runs with 20 metrics
 * and 20 params each through all pages, and the same runs as CSV; on one SQLite database for both.
 */
const mlts = resolve(import.meta.dirname, '../bin/mlts.cjs');
const RUNS = 10_000;
const KEYS = 20;
const FILTER = 'metrics.metric_1 > 0.5';

const SEARCH_WITH_CLIENT = `
import mlflow
client, token = mlflow.MlflowClient(), None
while True:
    page = client.search_runs(["0"], "${FILTER}", max_results=1000, page_token=token)
    for run in page:
        run.to_dictionary()
    token = page.token
    if not token:
        break
`;

export async function benchSearch(): Promise<void> {
  const { mlflow, python } = await ensureMlflow();
  const folder = await mkdtemp(join(tmpdir(), 'mlts-bench-'));
  try {
    const env = mlflowEnv({ MLFLOW_TRACKING_URI: `sqlite:///${join(folder, 'mlflow.db')}` });
    await execa(mlts, ['experiments', 'search'], { env, extendEnv: false, cwd: folder });
    const take = (name: string, command: readonly string[]): Contender => ({
      name,
      command,
      cwd: folder,
      env,
    });
    const compare = async (title: string, ours: string[], theirs: string[], goal: number) => {
      const [a, b] = await compareCosts([take('mlts', ours), take('MLflow', theirs)], 5);
      if (a === undefined || b === undefined) return;
      reportRatio(title, a.wallMs, b.wallMs, 'ms', goal);
      console.log(`${''.padEnd(44)} peak ${a.peakMiB.toFixed(0)} MiB, ${b.peakMiB.toFixed(0)} MiB`);
    };
    const list = ['experiments', 'search'];
    await compare('experiments search', [mlts, ...list], [mlflow, ...list], 30);
    fillDatabase(join(folder, 'mlflow.db'));
    const runs = ['runs', 'list', '--experiment-id', '0'];
    await compare('runs list', [mlts, ...runs], [mlflow, ...runs], 30);
    const search = ['runs', 'search', '--experiment-id', '0', '--filter', FILTER, '-o', 'jsonl'];
    await compare(
      `runs search, ${RUNS} runs`,
      [mlts, ...search],
      [python, '-c', SEARCH_WITH_CLIENT],
      10,
    );
    const csv = ['experiments', 'csv', '-x', '0', '-o', 'runs.csv'];
    await compare(`experiments csv, ${RUNS} runs`, [mlts, ...csv], [mlflow, ...csv], 10);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function fillDatabase(path: string): void {
  const database = new DatabaseSync(path);
  const insert = (table: string, columns: readonly string[]) =>
    database.prepare(
      `INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
  const runColumns = ['run_uuid', 'name', 'experiment_id', 'status', 'start_time', 'end_time'];
  const run = insert('runs', [...runColumns, 'lifecycle_stage', 'artifact_uri', 'user_id']);
  const metricColumns = ['run_uuid', 'key', 'value', 'timestamp', 'step', 'is_nan'];
  const metric = insert('metrics', metricColumns);
  const latest = insert('latest_metrics', metricColumns);
  const param = insert('params', ['run_uuid', 'key', 'value']);
  const tag = insert('tags', ['run_uuid', 'key', 'value']);
  database.exec('BEGIN');
  for (let index = 0; index < RUNS; index += 1) {
    const id = index.toString(16).padStart(32, '0');
    const startMs = 1_700_000_000_000 + index * 1_000;
    const end = ['active', `/artifacts/${id}`, 'me'];
    run.run(id, `run-${index}`, 0, 'FINISHED', startMs, startMs + 500, ...end);
    tag.run(id, 'mlflow.runName', `run-${index}`);
    for (let key = 0; key < KEYS; key += 1) {
      // Spread evenly, and different for each key: half of the runs pass the filter.
      const row = [
        id,
        `metric_${key}`,
        ((index * (key + 7)) % 1_000) / 1_000,
        startMs,
        0,
        0,
      ] as const;
      metric.run(...row);
      latest.run(...row);
      param.run(id, `param_${key}`, String(index % (key + 2)));
    }
  }
  database.exec('COMMIT');
  database.close();
}
