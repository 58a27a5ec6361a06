import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createRunIdOption, type RunIdFlags } from './options.ts';

/** `mlflow runs restore` (`mlflow/runs.py`). */
export function createRestoreCommand(context: Context): Command {
  return new Command('restore')
    .description('bring back a deleted run')
    .addOption(createRunIdOption())
    .action(async ({ runId }: RunIdFlags) => {
      await withTrackingStore(context, (store) => store.restoreRun(runId));
      context.terminal.print(`Run with id ${runId} has been restored.`);
    });
}
