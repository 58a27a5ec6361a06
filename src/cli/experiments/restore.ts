import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createExperimentIdOption, type ExperimentIdFlags } from './options.ts';

/** `mlflow experiments restore` (`mlflow/experiments.py`). */
export function createRestoreCommand(context: Context): Command {
  return new Command('restore')
    .description('bring back a deleted experiment with its runs')
    .addOption(createExperimentIdOption())
    .action(async ({ experimentId }: ExperimentIdFlags) => {
      await withTrackingStore(context, (store) => store.restoreExperiment(experimentId));
      context.terminal.print(`Experiment with id ${experimentId} has been restored.`);
    });
}
