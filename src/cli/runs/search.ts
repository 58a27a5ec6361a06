import { Command, Option } from 'commander';
import { type Env, variables } from '../../core/environment-variables.ts';
import { NotFound } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { readAll } from '../../search/pages.ts';
import type { TrackingStore, View } from '../../tracking/store.ts';
import { createMaxResultsOption } from '../max-results.ts';
import { createOutputOption, type OutputFormat, printPages } from '../output.ts';
import { collect } from '../repeated-option.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createViewOption } from '../view.ts';

interface SearchFlags {
  readonly experimentId?: readonly string[];
  readonly experimentName?: readonly string[];
  readonly filter?: string;
  readonly orderBy?: readonly string[];
  readonly columns?: readonly string[];
  readonly maxResults?: number;
  readonly view: View;
  readonly output: OutputFormat;
}

/** `mlts runs search`: `MlflowClient.search_runs` for people and scripts. */
export function createSearchCommand(context: Context): Command {
  return new Command('search')
    .description('find runs by metrics, params, tags and attributes')
    .option('--experiment-id <id>', `repeatable [${variables.experimentId}]; default: all`, collect)
    .option('--experiment-name <name>', `repeatable [${variables.experimentName}]`, collect)
    .option('-f, --filter <filter>', "such as: metrics.loss < 0.1 AND tags.team = 'a'")
    .option('--order-by <key>', 'such as: metrics.loss DESC; repeatable', collect)
    .addOption(
      new Option(
        '--columns <names>',
        'what a table and CSV show, such as: run_name,metrics.loss',
      ).argParser((names: string) => names.split(',')),
    )
    .addOption(createMaxResultsOption())
    .addOption(createViewOption())
    .addOption(createOutputOption())
    .action((flags: SearchFlags) =>
      withTrackingStore(context, (store) => searchRuns(flags, store, context)),
    );
}

async function searchRuns(
  flags: SearchFlags,
  store: TrackingStore,
  { env, terminal }: Context,
): Promise<void> {
  const { filter = '', orderBy = [], columns, view, output, maxResults } = flags;
  const { chooseColumns, selectColumns } = await import('./run-column.ts');
  const shown = columns === undefined ? chooseColumns(filter, orderBy) : selectColumns(columns);
  const experimentIds = await findExperimentIds(readExperiments(flags, env), store);
  const isTabular = output === 'table' || output === 'csv';
  const isInfoEnough = isTabular && shown.every(({ isInfo }) => isInfo);
  const search = { experimentIds, filter, orderBy, view, isInfoEnough };
  const pages = store.scanRuns({ ...search, maxResults });
  if (isTabular) return printPages(pages, shown, output, terminal);
  const { toRunJson } = await import('./run-json.ts');
  const written = (async function* () {
    for await (const runs of pages) yield runs.map(toRunJson);
  })();
  return printPages(written, [], output, terminal);
}

interface AskedExperiments {
  readonly ids: readonly string[];
  readonly names: readonly string[];
}

/** What the command line names, else what the environment names. */
function readExperiments(
  { experimentId, experimentName }: SearchFlags,
  env: Env,
): AskedExperiments {
  if (experimentId !== undefined || experimentName !== undefined) {
    return { ids: experimentId ?? [], names: experimentName ?? [] };
  }
  const [id, name] = [env[variables.experimentId], env[variables.experimentName]];
  return id ? { ids: [id], names: [] } : { ids: [], names: name ? [name] : [] };
}

/** All active experiments where none is named. @throws NotFound for one that is not there. */
async function findExperimentIds(
  { ids, names }: AskedExperiments,
  store: TrackingStore,
): Promise<readonly string[]> {
  if (ids.length + names.length === 0) {
    const all = await readAll((page) => store.searchExperiments({ ...page, view: 'active_only' }));
    return all.map(({ id }) => id);
  }
  for (const id of ids) await store.getExperiment(id);
  const found: string[] = [...ids];
  for (const name of names) {
    const experiment = await store.getExperimentByName(name);
    if (experiment === undefined) {
      const hint = 'list what there is: mlts experiments search';
      throw new NotFound(`there is no experiment named \`${name}\``, { hint });
    }
    found.push(experiment.id);
  }
  return found;
}
