import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

const METRICS = ['m', 'loss', 'accuracy'];
/** Whose runs these are. */
const USER = 'bench';
const PARAMS = ['rate', 'depth', 'seed'];

/**
 * Adds runs from number `from` to `to` to a database of MLflow's schema, past any server: with three metrics, three params
 * and two tags each. And a run with a metric `long` of `points` points, whose id is returned.
 */
export function addRuns(path: string, from: number, to: number, points: number): string {
  const database = new DatabaseSync(path, { timeout: 60_000 });
  const insert = (table: string, columns: string) =>
    database.prepare(
      `insert into ${table} (${columns}) values (${columns.replace(/\w+/g, '?')}) on conflict do nothing`,
    );
  const runs = insert(
    'runs',
    'run_uuid, name, experiment_id, status, start_time, lifecycle_stage, artifact_uri, user_id',
  );
  const measured = 'run_uuid, key, value, timestamp, step, is_nan';
  const [metrics, latest] = [insert('metrics', measured), insert('latest_metrics', measured)];
  const [params, tags] = ['params', 'tags'].map((table) => insert(table, 'run_uuid, key, value'));
  const addRun = (index: number): string => {
    const id = createHash('md5').update(String(index)).digest('hex');
    const startMs = 1_700_000_000_000 + index * 1_000;
    runs.run(
      id,
      `run-${index}`,
      0,
      'FINISHED',
      startMs,
      'active',
      `mlflow-artifacts:/0/${id}`,
      USER,
    );
    tags?.run(id, 'mlflow.runName', `run-${index}`);
    tags?.run(id, 'team', `team-${index % 7}`);
    for (const key of PARAMS) params?.run(id, key, String(index % (key.length + 9)));
    for (const key of METRICS) {
      const row = [id, key, key === 'm' ? index % 1_000 : 1 / (index + 1), startMs, 0, 0] as const;
      metrics.run(...row);
      latest.run(...row);
    }
    return id;
  };
  database.exec('begin immediate');
  for (let index = from; index < to; index += 1) addRun(index);
  const id = addRun(-1);
  for (let step = 0; step < points; step += 1) {
    metrics.run(id, 'long', step / 3, 1_700_000_000_000 + step, step, 0);
  }
  database.exec('commit');
  database.close();
  return id;
}

const OF_RUNS = ['metrics', 'latest_metrics', 'params', 'tags'];

/** Takes out what `addRuns` has not added, so that both servers search the same runs however many they have made. */
export function removeOtherRuns(path: string): void {
  const database = new DatabaseSync(path, { timeout: 60_000 });
  const others = `select run_uuid from runs where user_id is not '${USER}'`;
  const statements = [...OF_RUNS, 'runs'].map(
    (table) => `delete from ${table} where run_uuid in (${others})`,
  );
  database.exec(['begin immediate', ...statements, 'commit'].join(';'));
  database.close();
}
