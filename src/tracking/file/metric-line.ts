import type { Metric } from '../../core/entities.ts';
import { parsePythonFloat } from '../../core/python-float.ts';
import { isLater } from '../latest-metric.ts';

/**
 * A line of a metric's file: time, value, step, then the run where the file is a logged model's, then the
 * dataset where there is one, as `mlflow/store/tracking/file_store.py` writes it.
 */
export function formatMetric(
  { value, timestampMs, step, dataset }: Metric,
  runId?: string,
): string {
  const owner = runId === undefined ? [] : [runId];
  const measuredOn = dataset === undefined ? [] : [dataset.name, dataset.digest];
  return `${[timestampMs, formatFloat(value), step, ...owner, ...measuredOn].join(' ')}\n`;
}

/** The latest of the values in a metric's file; undefined where no line can be read. */
export function parseLatestMetric(key: string, text: string): Metric | undefined {
  let latest: Metric | undefined;
  for (const metric of parseMetrics(key, text)) {
    if (latest === undefined || isLater(metric, latest)) latest = metric;
  }
  return latest;
}

/** All values in a metric's file, in the order in which they were logged; broken lines are passed over. */
export function parseMetrics(key: string, text: string): readonly Metric[] {
  return text.split('\n').flatMap((line) => parseMetric(key, line) ?? []);
}

/** Two fields (MLflow before 1.0: no step), three, or five (with a dataset, whose step MLflow reads as 0). */
function parseMetric(key: string, line: string): Metric | undefined {
  const fields = line.trim().split(' ');
  const [, value, , name, digest] = fields;
  if (value === undefined) return undefined;
  if (name === undefined || digest === undefined) return { key, ...parseFields(fields) };
  return { key, ...parseFields(fields), step: 0, dataset: { name, digest } };
}

/** What the lines of all metrics' files begin with. */
export function parseFields([timestamp, value = '', step = '0']: readonly string[]) {
  return {
    value: parsePythonFloat(value) ?? Number.NaN,
    timestampMs: Number(timestamp),
    step: Number(step),
  };
}

function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0.0' : String(value);
  return value > 0 ? 'inf' : '-inf';
}
