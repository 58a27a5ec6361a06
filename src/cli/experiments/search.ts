import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { readAll } from '../../search/pages.ts';
import type { View } from '../../tracking/store.ts';
import { createMaxResultsOption } from '../max-results.ts';
import { createOutputOption, type OutputFormat, printRows } from '../output.ts';
import { collect } from '../repeated-option.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createViewOption } from '../view.ts';

interface SearchFlags {
  readonly view: View;
  readonly maxResults?: number;
  readonly filter?: string;
  readonly orderBy?: readonly string[];
  readonly output: OutputFormat;
}

/** `mlflow experiments search` (`mlflow/experiments.py`), with filters, orders and formats. */
export function createSearchCommand(context: Context): Command {
  return new Command('search')
    .description('find experiments')
    .addOption(createViewOption())
    .addOption(createMaxResultsOption())
    .optionsGroup('Beyond MLflow:')
    .option('-f, --filter <filter>', "such as: name LIKE 'churn%' AND tags.team = 'a'")
    .option('--order-by <key>', 'such as: last_update_time DESC; repeatable', collect)
    .addOption(createOutputOption())
    .action((flags: SearchFlags) => searchExperiments(flags, context));
}

async function searchExperiments(flags: SearchFlags, context: Context): Promise<void> {
  const { view, maxResults, filter, orderBy, output } = flags;
  const found = await withTrackingStore(context, (store) =>
    readAll((page) => store.searchExperiments({ ...page, view, filter, orderBy }), maxResults),
  );
  const list = await import('./experiment-list.ts');
  if (output === 'table') {
    const shown = orderBy === undefined ? list.sortAsMlflow(found) : found;
    return context.terminal.print(list.renderExperimentList(shown, context.cwd));
  }
  const rows = found.map(list.toExperimentJson);
  return printRows(rows, list.EXPERIMENT_COLUMNS, output, context.terminal);
}
