import { Command } from 'commander';
import type { Context } from '../host/context.ts';
import { createCompareCommand } from './runs/compare.ts';
import { createCreateCommand } from './runs/create.ts';
import { createDeleteCommand } from './runs/delete.ts';
import { createDeleteTagCommand } from './runs/delete-tag.ts';
import { createDescribeCommand } from './runs/describe.ts';
import { createGetCommand } from './runs/get.ts';
import { createLinkTracesCommand } from './runs/link-traces.ts';
import { createListCommand } from './runs/list.ts';
import { createLogMetricCommand } from './runs/log-metric.ts';
import { createLogParamCommand } from './runs/log-param.ts';
import { createMetricsCommand } from './runs/metrics.ts';
import { createReapCommand } from './runs/reap.ts';
import { createRestoreCommand } from './runs/restore.ts';
import { createSearchCommand } from './runs/search.ts';
import { createSetTagCommand } from './runs/set-tag.ts';

/** `mlts runs`: the verbs of `mlflow runs`, and what is new. */
export function runsCommand(context: Context): Command {
  const group = new Command('runs').description('record, find, compare and change runs');
  const verbs = [
    createSearchCommand(context),
    createListCommand(context),
    createGetCommand(context),
    createDescribeCommand(context),
    createCompareCommand(context),
    createCreateCommand(context),
    createMetricsCommand(context),
    createLogMetricCommand(context),
    createLogParamCommand(context),
    createSetTagCommand(context),
    createDeleteTagCommand(context),
    createDeleteCommand(context),
    createRestoreCommand(context),
    createLinkTracesCommand(context),
    createReapCommand(context),
  ];
  for (const verb of verbs) group.addCommand(verb);
  for (const command of [group, ...verbs]) command.helpOption('-h, --help', 'show this help');
  return group;
}
