import { Command, Option } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createExperimentIdOption, type ExperimentIdFlags } from './options.ts';

/** `mlflow experiments rename` (`mlflow/experiments.py`). */
export function createRenameCommand(context: Context): Command {
  return new Command('rename')
    .description('give an experiment another name')
    .addOption(createExperimentIdOption())
    .addOption(new Option('--new-name <name>', 'its new name').makeOptionMandatory())
    .action(async (flags: ExperimentIdFlags & { readonly newName: string }) => {
      const { experimentId, newName } = flags;
      await withTrackingStore(context, (store) => store.renameExperiment(experimentId, newName));
      context.terminal.print(
        `Experiment with id ${experimentId} has been renamed to '${newName}'.`,
      );
    });
}
