import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';

/** `mlts runs delete-tag RUN KEY`: what MLflow has only in Python. */
export function createDeleteTagCommand(context: Context): Command {
  return new Command('delete-tag')
    .description('delete a tag of a run')
    .argument('<run-id>', 'the run')
    .argument('<key>', "the tag's name")
    .action(async (runId: string, key: string) => {
      await withTrackingStore(context, (store) => store.deleteTag(runId, key));
      context.terminal.note(`deleted tag \`${key}\` of run ${runId}`);
    });
}
