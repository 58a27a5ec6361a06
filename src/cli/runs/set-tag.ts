import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';

/** `mlts runs set-tag RUN KEY VALUE`: what MLflow has only in Python. */
export function createSetTagCommand(context: Context): Command {
  return new Command('set-tag')
    .description('set a tag of a run')
    .argument('<run-id>', 'the run')
    .argument('<key>', "the tag's name")
    .argument('<value>', 'its new value')
    .action(async (runId: string, key: string, value: string) => {
      await withTrackingStore(context, (store) =>
        store.logBatch(runId, { tags: [{ key, value }] }),
      );
      context.terminal.note(`set tag \`${key}\` of run ${runId}`);
    });
}
