import { Command, Option } from 'commander';
import { createExperimentIdOption } from './options.ts';
import { createArchivalRetentionOption, refuseTraces } from './trace-archival.ts';

/** `mlflow experiments update`: all that it can change is how traces are archived. */
export function createUpdateCommand(): Command {
  return new Command('update')
    .description(
      'not there: all that `mlflow experiments update` changes is the archiving of traces',
    )
    .addOption(createExperimentIdOption())
    .addOption(createArchivalRetentionOption())
    .addOption(new Option('--clear-trace-archival-retention').hideHelp())
    .addOption(new Option('--trace-archive-now').hideHelp())
    .addOption(new Option('--trace-archive-now-older-than <duration>').hideHelp())
    .addOption(new Option('--clear-trace-archive-now').hideHelp())
    .action(() => {
      throw refuseTraces();
    });
}
