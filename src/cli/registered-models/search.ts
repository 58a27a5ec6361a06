import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { printEntityPages } from '../entity-pages.ts';
import { createMaxResultsOption } from '../max-results.ts';
import { createOutputOption, type OutputFormat } from '../output.ts';
import { withRegistryStore } from '../registry-store.ts';
import { collect } from '../repeated-option.ts';

interface SearchFlags {
  readonly filter?: string;
  readonly orderBy?: readonly string[];
  readonly maxResults?: number;
  readonly output: OutputFormat;
}

/** `mlts registered-models search`: `MlflowClient.search_registered_models` for people and scripts. */
export function createSearchCommand(context: Context): Command {
  return new Command('search')
    .description('find registered models by name and tags')
    .option('-f, --filter <filter>', "such as: name LIKE 'churn%' AND tags.team = 'a'")
    .option('--order-by <key>', 'such as: last_updated_timestamp DESC; repeatable', collect)
    .addOption(createMaxResultsOption())
    .addOption(createOutputOption())
    .action((flags: SearchFlags) => searchModels(flags, context));
}

/** `mlts registered-models list`: all of them, by name. */
export function createListCommand(context: Context): Command {
  return new Command('list')
    .description('list all registered models')
    .addOption(createOutputOption())
    .action((flags: SearchFlags) => searchModels(flags, context));
}

async function searchModels(flags: SearchFlags, context: Context): Promise<void> {
  const { filter, orderBy, maxResults, output } = flags;
  const [{ readPages }, { MODEL_COLUMNS }, { toModelJson }] = await Promise.all([
    import('../../search/pages.ts'),
    import('./model-view.ts'),
    import('./model-json.ts'),
  ]);
  await withRegistryStore(context, (store) => {
    const pages = readPages((page) => store.searchModels({ ...page, filter, orderBy }), maxResults);
    const format = { output, columns: MODEL_COLUMNS, toJson: toModelJson };
    return printEntityPages(pages, format, context.terminal);
  });
}
