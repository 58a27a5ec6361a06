import type { Metric } from '../core/entities.ts';

/**
 * At most `count` values, spread evenly over all by their order, the first and the last among them
 * (`mlflow/store/tracking/sqlalchemy_store.py`, `_sample_rows_with_window_functions`).
 */
export function sampleEvenly(metrics: readonly Metric[], count: number): readonly Metric[] {
  const ordered = metrics.toSorted(compare);
  const last = ordered.at(-1);
  if (last === undefined) return [];
  const sample = listStarts(ordered.length, count).map((index) => ordered[index] ?? last);
  if (sample.at(-1) === last) return sample;
  return [...(sample.length >= count ? sample.slice(0, -1) : sample), last];
}

/** Where each of `count` parts begins, the first ones longer by one, as SQL's NTILE cuts. */
function listStarts(length: number, count: number): readonly number[] {
  const size = Math.floor(length / count);
  const longer = length % count;
  return Array.from(
    { length: Math.min(count, length) },
    (_, part) => part * size + Math.min(part, longer),
  );
}

function compare(a: Metric, b: Metric): number {
  return (
    a.step - b.step ||
    a.timestampMs - b.timestampMs ||
    orderOf(a.value) - orderOf(b.value) ||
    Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value))
  );
}

/** Databases keep 0 for what is no number. */
function orderOf(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}
