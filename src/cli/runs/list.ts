import { Command } from 'commander';
import { variables } from '../../core/environment-variables.ts';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import type { View } from '../../tracking/store.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createViewOption } from '../view.ts';

interface ListFlags {
  readonly experimentId?: string;
  readonly view: View;
}

/** As many as MLflow's store returns at once (`mlflow/store/tracking/__init__.py`). */
const MOST_RUNS = 1_000;

/** `mlflow runs list` (`mlflow/runs.py`): the newest thousand; `runs search` shows all. */
export function createListCommand(context: Context): Command {
  return new Command('list')
    .description('list the newest 1000 runs of an experiment; `search` finds any')
    .option('--experiment-id <id>', `the experiment [${variables.experimentId}]`)
    .addOption(createViewOption())
    .action(async ({ experimentId, view }: ListFlags) => {
      const id = experimentId ?? context.env[variables.experimentId];
      if (!id) {
        const hint = `give it, or set ${variables.experimentId}`;
        throw new UsageError('--experiment-id is missing', { hint });
      }
      const search = { experimentIds: [id], view, maxResults: MOST_RUNS, isInfoEnough: true };
      const { items } = await withTrackingStore(context, (store) => store.searchRuns(search));
      const { renderRunList } = await import('./run-list.ts');
      context.terminal.print(renderRunList(items));
    });
}
