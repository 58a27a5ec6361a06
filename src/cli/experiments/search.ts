import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { readAll } from '../../tracking/pages.ts';
import type { View } from '../../tracking/store.ts';
import { createMaxResultsOption } from '../max-results.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createViewOption } from '../view.ts';

interface SearchFlags {
  readonly view: View;
  readonly maxResults?: number;
}

/** `mlflow experiments search` (`mlflow/experiments.py`). */
export function createSearchCommand(context: Context): Command {
  return new Command('search')
    .description('list experiments')
    .addOption(createViewOption())
    .addOption(createMaxResultsOption())
    .action(async ({ view, maxResults }: SearchFlags) => {
      const found = await withTrackingStore(context, (store) =>
        readAll((page) => store.searchExperiments({ ...page, view }), maxResults),
      );
      const { renderExperimentList } = await import('./experiment-list.ts');
      context.terminal.print(renderExperimentList(found, context.cwd));
    });
}
