import { sql, type Transaction } from 'kysely';
import type { Metric } from '../../core/entities.ts';
import { compileForRows } from '../../sql/compiled-query.ts';
import type { Flag, MetricRow, Tables } from '../../sql/tables.ts';
import { isLater } from '../latest-metric.ts';
import { partition, ROWS_AT_ONCE } from './run-data.ts';

/** SQL has no infinity: MLflow stores the largest double in its place. */
const LARGEST = Number.MAX_VALUE;

/** Adds metrics, the very same one only once, and keeps `latest_metrics` up to date. */
export async function logMetrics(
  transaction: Transaction<Tables>,
  runId: string,
  metrics: readonly Metric[],
  toFlag: (value: boolean) => Flag,
): Promise<void> {
  const rows = metrics.map((metric) => toRow(metric, runId, toFlag));
  for (const part of partition(rows, ROWS_AT_ONCE)) await insertMetrics(transaction, part);
  for (const part of partition(chooseLatest(rows), ROWS_AT_ONCE)) {
    await updateLatest(transaction, part);
  }
}

const COLUMNS = ['key', 'value', 'timestamp', 'step', 'is_nan', 'run_uuid'] as const;

const insertMetrics = compileForRows<MetricRow>(COLUMNS, (database, rows) =>
  database
    .insertInto('metrics')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing()),
);

function toRow(metric: Metric, runId: string, toFlag: (value: boolean) => Flag): MetricRow {
  const { key, value, timestampMs: timestamp, step } = metric;
  const is_nan = toFlag(Number.isNaN(value));
  return { key, value: toStoredValue(value), timestamp, step, is_nan, run_uuid: runId };
}

/** 0 for NaN, which a mark beside it tells. */
export function toStoredValue(value: number): number {
  return Number.isNaN(value) ? 0 : Math.max(-LARGEST, Math.min(LARGEST, value));
}

/** One row for each key, the order of keys fixed, so that two writers never wait for each other. */
function chooseLatest(rows: readonly MetricRow[]): readonly MetricRow[] {
  const latest = new Map<string, MetricRow>();
  for (const row of rows) {
    const other = latest.get(row.key);
    if (other === undefined || isLaterRow(row, other)) latest.set(row.key, row);
  }
  return [...latest.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** The database compares, not we: of two writers at once, the later metric stays. */
const updateLatest = compileForRows<MetricRow>(COLUMNS, (database, candidates) =>
  database
    .insertInto('latest_metrics')
    .values(candidates)
    .onConflict((conflict) =>
      conflict
        .columns(['key', 'run_uuid'])
        .doUpdateSet(({ ref }) => ({
          value: ref('excluded.value'),
          timestamp: ref('excluded.timestamp'),
          step: ref('excluded.step'),
          is_nan: ref('excluded.is_nan'),
        }))
        .where(
          sql<boolean>`(excluded.step, excluded.timestamp, excluded.value) >
            (latest_metrics.step, coalesce(latest_metrics.timestamp, 0), latest_metrics.value)`,
        ),
    ),
);

function isLaterRow(a: MetricRow, b: MetricRow): boolean {
  return isLater(
    { step: a.step, timestampMs: a.timestamp, value: a.value },
    { step: b.step, timestampMs: b.timestamp, value: b.value },
  );
}
