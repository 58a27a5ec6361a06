import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import type { OrphanedRun, Reaping } from '../../projects/reap.ts';
import { type Column, createOutputOption, type OutputFormat, printRows } from '../output.ts';
import { collect } from '../repeated-option.ts';
import { withTrackingStore } from '../tracking-store.ts';

interface ReapFlags {
  readonly experimentId?: readonly string[];
  readonly dryRun?: boolean;
  readonly output: OutputFormat;
}

/** One run, its fields named as in MLflow's REST API; `pid` is that of its `mlts run`. */
interface ReapedRow {
  readonly run_id: string;
  readonly run_name: string;
  readonly experiment_id: string;
  readonly status: string;
  readonly start_time: number | undefined;
  readonly end_time: number | undefined;
  readonly pid: number;
}

const COLUMNS: readonly Column<ReapedRow>[] = [
  { heading: 'run_id', cell: (row) => row.run_id },
  { heading: 'run_name', cell: (row) => row.run_name },
  { heading: 'experiment_id', cell: (row) => row.experiment_id },
  { heading: 'status', cell: (row) => row.status },
  { heading: 'start_time', cell: (row) => showTime(row.start_time) },
  { heading: 'pid', cell: (row) => String(row.pid) },
];

/** `mlts runs reap`: what MLflow has no word for. */
export function createReapCommand(context: Context): Command {
  return new Command('reap')
    .summary('end RUNNING runs of this machine whose process is gone')
    .description(
      'Ends, as KILLED, the RUNNING runs that `mlts run` made on this machine and whose process is\n' +
        'gone: killed, or lost with the power. Runs made elsewhere or by other means are left alone.',
    )
    .option('--experiment-id <id>', 'only runs of this one; repeatable; default: all', collect)
    .option('--dry-run', 'show which, end none')
    .addOption(createOutputOption())
    .action(async ({ experimentId = [], dryRun = false, output }: ReapFlags) => {
      const { reapRuns } = await import('../../projects/reap.ts');
      const options = { experimentIds: experimentId, isDryRun: dryRun };
      const reaping = await withTrackingStore(context, (store) =>
        reapRuns(options, store, context),
      );
      const { terminal } = context;
      const isShown = reaping.orphans.length > 0 || output !== 'table';
      if (isShown) await printRows(reaping.orphans.map(toRow), COLUMNS, output, terminal);
      terminal.note(summarize(reaping, dryRun));
    });
}

function summarize({ orphans, left }: Reaping, isDryRun: boolean): string {
  const ended = `${isDryRun ? 'would end' : 'ended'} ${orphans.length}`;
  return `RUNNING runs: ${ended}, left ${left.alive} at work and ${left.unknown} unknown to this machine`;
}

function toRow({ info, pid }: OrphanedRun): ReapedRow {
  return {
    run_id: info.id,
    run_name: info.name,
    experiment_id: info.experimentId,
    status: info.status,
    start_time: info.startTimeMs,
    end_time: info.endTimeMs,
    pid,
  };
}

function showTime(timeMs: number | undefined): string {
  return timeMs === undefined ? '' : new Date(timeMs).toISOString();
}
