import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';

/** `mlts runs log-param RUN KEY VALUE`: what MLflow has only in Python. */
export function createLogParamCommand(context: Context): Command {
  return new Command('log-param')
    .description('log a param of a run, whose value then never changes')
    .argument('<run-id>', 'the run')
    .argument('<key>', "the param's name")
    .argument('<value>', 'its value')
    .action(async (runId: string, key: string, value: string) => {
      await withTrackingStore(context, (store) =>
        store.logBatch(runId, { params: [{ key, value }] }),
      );
      context.terminal.note(`logged param \`${key}\` of run ${runId}`);
    });
}
