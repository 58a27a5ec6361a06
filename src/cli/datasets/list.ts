import { Command } from 'commander';
import { variables } from '../../core/environment-variables.ts';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { parseCount } from '../max-results.ts';
import { createOutputOption } from '../output.ts';
import { withTrackingStore } from '../tracking-store.ts';

interface ListFlags {
  readonly experimentId?: string;
  readonly filterString?: string;
  readonly maxResults: number;
  readonly orderBy?: string;
  readonly pageToken?: string;
  readonly output: 'table' | 'json';
}

/** `mlflow datasets list` (`mlflow/cli/datasets.py`): one page. */
export function createListCommand(context: Context): Command {
  return new Command('list')
    .description('list the evaluation datasets of an experiment')
    .option('-x, --experiment-id <id>', `the experiment [${variables.experimentId}]`)
    .option('--filter-string <filter>', "such as: name LIKE 'qa_%' AND tags.team = 'a'")
    .option('--max-results <count>', 'how many at most', parseCount, 50)
    .option('--order-by <keys>', 'such as: last_update_time DESC, name')
    .option('--page-token <token>', 'go on where this page ended')
    .addOption(createOutputOption(['table', 'json']))
    .action((flags: ListFlags) => listDatasets(flags, context));
}

async function listDatasets(flags: ListFlags, context: Context): Promise<void> {
  const experimentId = flags.experimentId ?? context.env[variables.experimentId];
  if (!experimentId) {
    const hint = `give it, or set ${variables.experimentId}`;
    throw new UsageError('--experiment-id is missing', { hint });
  }
  const search = {
    experimentIds: [experimentId],
    filter: flags.filterString,
    maxResults: flags.maxResults,
    orderBy: flags.orderBy ? flags.orderBy.split(',').map((key) => key.trim()) : undefined,
    pageToken: flags.pageToken,
  };
  const view = await import('./dataset-view.ts');
  const text = await withTrackingStore(context, async (store) => {
    const page = await store.genAi.searchDatasets(search);
    if (flags.output === 'table') return view.renderDatasetTable(page);
    return view.renderDatasetJson(page, /^https?:/i.test(store.uri));
  });
  context.terminal.print(text);
}
