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

/** `mlts model-versions search`: `MlflowClient.search_model_versions` for people and scripts. */
export function createSearchCommand(context: Context): Command {
  return new Command('search')
    .description('find versions by model, number, run, source and tags')
    .option('-f, --filter <filter>', "such as: name = 'churn' AND tags.checked = 'yes'")
    .option('--order-by <key>', 'such as: version_number DESC; repeatable', collect)
    .addOption(createMaxResultsOption())
    .addOption(createOutputOption())
    .action((flags: SearchFlags) => searchVersions(flags, context));
}

async function searchVersions(flags: SearchFlags, context: Context): Promise<void> {
  const { filter, orderBy, maxResults, output } = flags;
  const [{ readPages }, { VERSION_COLUMNS }, { toVersionJson }] = await Promise.all([
    import('../../search/pages.ts'),
    import('./version-columns.ts'),
    import('./version-json.ts'),
  ]);
  await withRegistryStore(context, (store) => {
    const pages = readPages(
      (page) => store.searchVersions({ ...page, filter, orderBy }),
      maxResults,
    );
    const format = { output, columns: VERSION_COLUMNS, toJson: toVersionJson };
    return printEntityPages(pages, format, context.terminal);
  });
}
