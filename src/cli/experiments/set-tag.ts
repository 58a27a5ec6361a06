import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';

/** `mlts experiments set-tag EXPERIMENT KEY VALUE`: what MLflow has only in Python. */
export function createSetTagCommand(context: Context): Command {
  return new Command('set-tag')
    .description('set a tag of an experiment')
    .argument('<experiment-id>', 'the experiment')
    .argument('<key>', "the tag's name")
    .argument('<value>', 'its new value')
    .action(async (experimentId: string, key: string, value: string) => {
      await withTrackingStore(context, (store) =>
        store.setExperimentTag(experimentId, { key, value }),
      );
      context.terminal.note(`set tag \`${key}\` of experiment ${experimentId}`);
    });
}
