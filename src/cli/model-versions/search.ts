import { Command, Option } from 'commander';
import { MODEL_STAGES, type ModelStage, type ModelVersion } from '../../core/model-registry.ts';
import type { PageRequest } from '../../core/page.ts';
import type { Context } from '../../host/context.ts';
import { printEntityPages } from '../entity-pages.ts';
import { createMaxResultsOption } from '../max-results.ts';
import { createOutputOption, type OutputFormat } from '../output.ts';
import { withRegistryStore } from '../registry-store.ts';
import { collect } from '../repeated-option.ts';
import { parseStage } from './arguments.ts';

interface SearchFlags {
  readonly filter?: string;
  readonly orderBy?: readonly string[];
  readonly stage?: ModelStage;
  readonly maxResults?: number;
  readonly output: OutputFormat;
}

/** `mlts model-versions search`: `MlflowClient.search_model_versions` for people and scripts. */
export function createSearchCommand(context: Context): Command {
  return new Command('search')
    .description('find versions by model, number, run, source and tags')
    .option('-f, --filter <filter>', "such as: name = 'churn' AND tags.checked = 'yes'")
    .option('--order-by <key>', 'such as: version_number DESC; repeatable', collect)
    .addOption(new Option('--stage <stage>', MODEL_STAGES.join(', ')).argParser(parseStage))
    .addOption(createMaxResultsOption())
    .addOption(createOutputOption())
    .action((flags: SearchFlags) => searchVersions(flags, context));
}

async function searchVersions(flags: SearchFlags, context: Context): Promise<void> {
  const { filter, orderBy, stage, maxResults, output } = flags;
  const [{ readPages }, { VERSION_COLUMNS }, { toVersionJson }] = await Promise.all([
    import('../../search/pages.ts'),
    import('./version-columns.ts'),
    import('./version-json.ts'),
  ]);
  await withRegistryStore(context, (store) => {
    const search = (page: PageRequest) => store.searchVersions({ ...page, filter, orderBy });
    const pages =
      stage === undefined
        ? readPages(search, maxResults)
        : selectStage(readPages(search), stage, maxResults);
    const format = { output, columns: VERSION_COLUMNS, toJson: toVersionJson };
    return printEntityPages(pages, format, context.terminal);
  });
}

/** MLflow's filters know no stages: the versions of all stages are read, up to `maxResults` that fit. */
async function* selectStage(
  pages: AsyncIterable<readonly ModelVersion[]>,
  stage: ModelStage,
  maxResults = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly ModelVersion[]> {
  let left = maxResults;
  for await (const page of pages) {
    const fitting = page.filter((version) => version.stage === stage).slice(0, left);
    yield fitting;
    left -= fitting.length;
    if (left === 0) return;
  }
}
