import { Command, Option } from 'commander';
import type { Context } from '../../host/context.ts';
import { collect } from '../repeated-option.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createRunIdOption, type RunIdFlags } from './options.ts';

interface LinkTracesFlags extends RunIdFlags {
  readonly traceId: readonly string[];
}

/** `mlflow runs link-traces` (`mlflow/runs.py`). */
export function createLinkTracesCommand(context: Context): Command {
  return new Command('link-traces')
    .description('say that traces belong to a run')
    .addOption(createRunIdOption())
    .addOption(
      new Option('-t, --trace-id <id>', 'a trace; repeatable, up to 100')
        .argParser(collect)
        .makeOptionMandatory(),
    )
    .action(async ({ runId, traceId: traceIds }: LinkTracesFlags) => {
      await withTrackingStore(context, (store) => store.genAi.linkTraces(runId, traceIds));
      context.terminal.print(`Successfully linked ${traceIds.length} trace(s) to run '${runId}'`);
    });
}
