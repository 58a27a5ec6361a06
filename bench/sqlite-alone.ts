import { DatabaseSync } from 'node:sqlite';
import { journalAhead, speakAsMlflow } from '../src/sql/sqlite-settings.ts';

const KEYS = Array.from({ length: 100 }, (_, index) => `m${index}`);
const COLUMNS = '(key, value, timestamp, step, is_nan, run_uuid) values (?, ?, ?, ?, ?, ?)';

/**
 * Batches of 100 metrics a second that SQLite takes into MLflow's tables from a loop that does nothing else, so many in
 * each commit: what any server on this database and machine can come near to, whatever it is written in.
 */
export function measureSqliteAlone(
  path: string,
  runId: string,
  { batches, seconds }: { readonly batches: number; readonly seconds: number },
): number {
  const database = new DatabaseSync(path, { timeout: 60_000 });
  speakAsMlflow(database);
  journalAhead(database);
  const metric = database.prepare(`insert into metrics ${COLUMNS} on conflict do nothing`);
  const latest = database.prepare(
    `insert into latest_metrics ${COLUMNS} on conflict (key, run_uuid) do update
      set value = excluded.value, timestamp = excluded.timestamp, step = excluded.step`,
  );
  const startMs = performance.now();
  let step = 0;
  while (performance.now() - startMs < seconds * 1_000) {
    database.exec('begin immediate');
    for (const end = step + batches; step < end; step += 1) {
      for (const statement of [metric, latest]) {
        for (const key of KEYS) {
          statement.run(key, step / 2, 1_700_000_000_000 + step, step, 0, runId);
        }
      }
    }
    database.exec('commit');
  }
  const perSecond = step / ((performance.now() - startMs) / 1_000);
  database.close();
  return perSecond;
}
