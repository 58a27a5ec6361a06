import { Command, Option } from 'commander';
import type { Context } from '../../host/context.ts';
import { createRetentionTag } from '../../tracking/trace-archival.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createRetentionOption } from './trace-archival.ts';

interface CreateFlags {
  readonly experimentName: string;
  readonly artifactLocation?: string;
  readonly traceArchivalRetention?: string;
}

/** `mlflow experiments create` (`mlflow/experiments.py`). */
export function createCreateCommand(context: Context): Command {
  return new Command('create')
    .description('create an experiment')
    .addOption(
      new Option(
        '-n, --experiment-name <name>',
        'its name, which no other one has',
      ).makeOptionMandatory(),
    )
    .option(
      '-l, --artifact-location <uri>',
      "where its runs' artifacts go; default: where the store keeps them",
    )
    .addOption(createRetentionOption())
    .action(async (flags: CreateFlags) => {
      const { experimentName: name, artifactLocation, traceArchivalRetention } = flags;
      const tags = traceArchivalRetention ? [createRetentionTag(traceArchivalRetention)] : [];
      const location = artifactLocation === undefined ? {} : { artifactLocation };
      const id = await withTrackingStore(context, (store) =>
        store.createExperiment({ name, tags, ...location }),
      );
      context.terminal.print(`Created experiment '${name}' with id ${id}`);
    });
}
