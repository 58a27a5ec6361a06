import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createRunIdOption, type RunIdFlags } from './options.ts';

/** `mlflow runs delete` (`mlflow/runs.py`). */
export function createDeleteCommand(context: Context): Command {
  return new Command('delete')
    .description('mark a run as deleted; `restore` brings it back')
    .addOption(createRunIdOption())
    .action(async ({ runId }: RunIdFlags) => {
      await withTrackingStore(context, (store) => store.deleteRun(runId));
      context.terminal.print(`Run with ID ${runId} has been deleted.`);
    });
}
