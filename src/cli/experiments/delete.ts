import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createExperimentIdOption, type ExperimentIdFlags } from './options.ts';

/** `mlflow experiments delete` (`mlflow/experiments.py`). */
export function createDeleteCommand(context: Context): Command {
  return new Command('delete')
    .description('mark an experiment and its runs as deleted; `restore` brings them back')
    .addOption(createExperimentIdOption())
    .action(async ({ experimentId }: ExperimentIdFlags) => {
      await withTrackingStore(context, (store) => store.deleteExperiment(experimentId));
      context.terminal.print(`Experiment with ID ${experimentId} has been deleted.`);
    });
}
