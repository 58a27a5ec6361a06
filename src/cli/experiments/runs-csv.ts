import type { Run } from '../../core/entities.ts';
import { formatPythonFloat } from '../../core/python-value.ts';

/** A column as pandas makes it: a text for each run, empty where the run has no such value. */
interface Column {
  readonly name: string;
  readonly cells: readonly string[];
}

/**
 * The table of `mlflow.search_runs` as pandas writes it with `to_csv(index=False)`. Metrics, params and
 * tags come in the order in which they are first met; MLflow shuffles those first met in one run anew
 * each time (sets of Python), here they are sorted.
 */
export function renderRunsCsv(runs: readonly Run[]): string {
  const columns = [
    ...listInfoColumns(runs),
    ...listValueColumns('metrics', runs, ({ metrics }) =>
      metrics.map(({ key, value }) => ({ key, value: formatNumber(value) })),
    ),
    ...listValueColumns('params', runs, ({ params }) => params),
    ...listValueColumns('tags', runs, ({ tags }) => tags),
  ];
  const lines = [columns.map(({ name }) => name)];
  for (const index of runs.keys()) lines.push(columns.map(({ cells }) => cells[index] ?? ''));
  return `${lines.map((line) => line.map(quote).join(',')).join('\n')}\n`;
}

function listInfoColumns(runs: readonly Run[]): readonly Column[] {
  const infos = runs.map(({ info }) => info);
  return [
    { name: 'run_id', cells: infos.map(({ id }) => id) },
    { name: 'experiment_id', cells: infos.map(({ experimentId }) => experimentId) },
    { name: 'status', cells: infos.map(({ status }) => status) },
    { name: 'artifact_uri', cells: infos.map(({ artifactUri }) => artifactUri) },
    { name: 'start_time', cells: formatTimes(infos.map(({ startTimeMs }) => startTimeMs)) },
    { name: 'end_time', cells: formatTimes(infos.map(({ endTimeMs }) => endTimeMs)) },
  ];
}

function listValueColumns(
  prefix: string,
  runs: readonly Run[],
  readValues: (run: Run) => readonly { readonly key: string; readonly value: string }[],
): readonly Column[] {
  const columns = new Map<string, string[]>();
  for (const [index, run] of runs.entries()) {
    for (const { key, value } of readValues(run)) {
      const cells = columns.get(key) ?? [];
      cells[index] = value;
      columns.set(key, cells);
    }
  }
  return [...columns].map(([key, cells]) => ({ name: `${prefix}.${key}`, cells }));
}

/** With milliseconds for all of a column as soon as one of its times has some. */
function formatTimes(timesMs: readonly (number | undefined)[]): readonly string[] {
  const hasMilliseconds = timesMs.some((timeMs) => (timeMs ?? 0) % 1_000 !== 0);
  return timesMs.map((timeMs) => {
    if (timeMs === undefined) return '';
    const text = new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '+00:00');
    return hasMilliseconds ? text : text.replace(/\.\d{3}/, '');
  });
}

/** NaN is what pandas takes for no value at all. */
function formatNumber(value: number): string {
  return Number.isNaN(value) ? '' : formatPythonFloat(value);
}

/** As Python's csv module with `QUOTE_MINIMAL` and `\n` for line ends. */
function quote(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
