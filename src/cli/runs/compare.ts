import { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { createOutputOption, type OutputFormat, printRows } from '../output.ts';
import { withTrackingStore } from '../tracking-store.ts';

interface CompareFlags {
  readonly all?: boolean;
  readonly output: OutputFormat;
}

/** `mlts runs compare RUN RUN...`: side by side. */
export function createCompareCommand(context: Context): Command {
  return new Command('compare')
    .description('show runs side by side: what differs')
    .argument('<run-ids...>', 'two runs or more')
    .option('--all', 'show what is the same, too')
    .addOption(createOutputOption())
    .action(async (runIds: readonly string[], { all = false, output }: CompareFlags) => {
      if (runIds.length < 2) throw new UsageError('name two runs or more');
      const { compareRuns, listColumns } = await import('./run-comparison.ts');
      const runs = await withTrackingStore(context, (store) =>
        Promise.all(runIds.map((runId) => store.getRun(runId))),
      );
      const rows = compareRuns(runs).filter(({ differs }) => all || differs);
      await printRows(
        output === 'table' || output === 'csv' ? rows : rows.map(({ differs, ...row }) => row),
        listColumns(runs),
        output,
        context.terminal,
      );
    });
}
