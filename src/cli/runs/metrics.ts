import { Command, Option } from 'commander';
import type { Metric } from '../../core/entities.ts';
import { NotFound } from '../../core/errors.ts';
import { suggestName } from '../../core/suggestion.ts';
import { listWords } from '../../core/wording.ts';
import type { Context } from '../../host/context.ts';
import { readAll } from '../../search/pages.ts';
import type { TrackingStore } from '../../tracking/store.ts';
import { type Column, OUTPUT_FORMATS, type OutputFormat, printRows } from '../output.ts';
import { withTrackingStore } from '../tracking-store.ts';

/** One value as MLflow's REST API writes it. */
interface MetricRow {
  readonly key: string;
  readonly value: number | string;
  readonly timestamp: number;
  readonly step: number;
}

const COLUMNS: readonly Column<MetricRow>[] = [
  { heading: 'step', cell: ({ step }) => String(step) },
  { heading: 'value', cell: ({ value }) => String(value) },
  { heading: 'time', cell: ({ timestamp }) => new Date(timestamp).toISOString() },
];

/** `mlts runs metrics RUN KEY`: `MlflowClient.get_metric_history` for people and scripts. */
export function createMetricsCommand(context: Context): Command {
  return new Command('metrics')
    .description('show all values of a metric of a run, as a plot on a terminal')
    .argument('<run-id>', 'the run')
    .argument('<key>', "the metric's name")
    .addOption(
      new Option(
        '-o, --output <format>',
        'how to show it; default: plot on a terminal, else table',
      ).choices(['plot', ...OUTPUT_FORMATS]),
    )
    .action(
      async (runId: string, key: string, flags: { readonly output?: OutputFormat | 'plot' }) => {
        const { columns } = context.terminal;
        const format = flags.output ?? (columns === undefined ? 'table' : 'plot');
        const history = await withTrackingStore(context, (store) => readHistory(runId, key, store));
        if (format === 'plot') await showPlot(history, context);
        else await printRows(history.map(toRow), COLUMNS, format, context.terminal);
      },
    );
}

async function readHistory(
  runId: string,
  key: string,
  store: TrackingStore,
): Promise<readonly Metric[]> {
  const history = await readAll((page) => store.getMetricHistory(runId, key, page));
  if (history.length === 0) throw await explainEmpty(runId, key, store);
  return history;
}

async function explainEmpty(runId: string, key: string, store: TrackingStore): Promise<NotFound> {
  const { metrics } = await store.getRun(runId);
  const keys = metrics.map((metric) => metric.key);
  const meant = suggestName(key, keys);
  const known = keys.length === 0 ? 'it has none' : `it has ${listWords(keys)}`;
  return new NotFound(`run ${runId} has no metric \`${key}\``, {
    hint: meant === undefined ? known : `did you mean \`${meant}\`?`,
  });
}

async function showPlot(history: readonly Metric[], { terminal }: Context): Promise<void> {
  const { plotMetric } = await import('./metric-plot.ts');
  const drawn = await plotMetric(history, terminal.columns ?? 80);
  const left = history.filter(({ value }) => !Number.isFinite(value)).length;
  if (drawn !== undefined) terminal.print(drawn);
  if (left > 0) terminal.note(`${left} of ${history.length} values are no finite numbers`);
}

function toRow({ key, value, timestampMs, step }: Metric): MetricRow {
  // JSON has no NaN and no infinities: MLflow's REST API writes them as texts.
  const written = Number.isFinite(value) ? value : String(value);
  return { key, value: written, timestamp: timestampMs, step };
}
