import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { parseMetricValue, parseStep, parseTimestamp } from './metric-arguments.ts';

interface LogMetricFlags {
  readonly step: number;
  readonly timestamp?: number;
}

/** `mlts runs log-metric RUN KEY VALUE`: what MLflow has only in Python. */
export function createLogMetricCommand(context: Context): Command {
  return new Command('log-metric')
    .description('log a value of a metric of a run')
    .argument('<run-id>', 'the run')
    .argument('<key>', "the metric's name")
    .argument('<value>', 'a number, `nan`, `inf`, or `-inf` after `--`', parseMetricValue)
    .option('--step <number>', 'a whole number', parseStep, 0)
    .option(
      '--timestamp <time>',
      'milliseconds since 1970, or as 2026-01-31T12:00:00Z; default: now',
      parseTimestamp,
    )
    .action(async (runId: string, key: string, value: number, flags: LogMetricFlags) => {
      const { step, timestamp: timestampMs = context.now() } = flags;
      const metric = { key, value, step, timestampMs };
      await withTrackingStore(context, (store) => store.logBatch(runId, { metrics: [metric] }));
      context.terminal.note(`logged metric \`${key}\` = ${value} at step ${step} of run ${runId}`);
    });
}
