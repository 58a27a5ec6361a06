import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createRunIdOption, type RunIdFlags } from './options.ts';

/** `mlflow runs describe` (`mlflow/runs.py`). */
export function createDescribeCommand(context: Context): Command {
  return new Command('describe')
    .description("print all of a run as JSON, in the form of MLflow's own verb")
    .addOption(createRunIdOption())
    .action(async ({ runId }: RunIdFlags) => {
      const { run, links } = await withTrackingStore(context, async (store) => ({
        run: await store.getRun(runId),
        links: await store.getRunLinks(runId),
      }));
      const { renderDescription } = await import('./description.ts');
      context.terminal.print(renderDescription(run, links));
    });
}
