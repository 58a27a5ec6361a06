import { Command, Option } from 'commander';
import { variables } from '../core/environment-variables.ts';
import { UsageError } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { createOutputOption, type OutputFormat } from './output.ts';

export interface GcFlags {
  readonly olderThan?: string;
  readonly backendStoreUri?: string;
  readonly artifactsDestination?: string;
  readonly runIds?: string;
  readonly experimentIds?: string;
  readonly loggedModelIds?: string;
  readonly jobs?: boolean;
  readonly jobIds?: string;
  readonly trackingUri?: string;
  readonly workspace?: string;
  readonly allWorkspaces?: boolean;
  readonly dryRun?: boolean;
  readonly output: Extract<OutputFormat, 'table' | 'json'>;
  readonly keepArtifacts?: boolean;
}

/** `mlflow gc` (`mlflow/cli/__init__.py`), with a dry run. */
export function gcCommand(context: Context): Command {
  return new Command('gc')
    .description(
      'Removes for good what is deleted, with its artifacts: runs, logged models and experiments.\n' +
        'Ids narrow their own kind alone: with --run-ids only, all deleted experiments go as well.',
    )
    .helpOption('-h, --help', 'show this help')
    .option('--older-than <age>', 'only what was deleted so long ago, such as 30d or 1d2h3m4.5s')
    .option('--backend-store-uri <uri>', 'the database or folder; default: the tracking URI')
    .option(
      '--artifacts-destination <uri>',
      `where \`mlflow-artifacts:\` lies, if no server is the tracking URI [${variables.artifactsDestination}]`,
    )
    .option('--run-ids <ids>', 'of the deleted runs only these, with commas between them')
    .option('--experiment-ids <ids>', 'of the deleted experiments only these, with all their runs')
    .option('--logged-model-ids <ids>', 'of the deleted logged models only these')
    .option('--jobs', 'also all jobs that have ended')
    .option('--job-ids <ids>', 'also these jobs, where they have ended')
    .option(
      '--tracking-uri <uri>',
      `the server that gives out \`mlflow-artifacts:\` [${variables.trackingUri}]`,
    )
    .option('--workspace <name>', `what is in this workspace [${variables.workspace}]`)
    .option('--all-workspaces', 'what is in any workspace')
    .optionsGroup('Beyond MLflow:')
    .option('--dry-run', 'show what would go, with files and bytes; remove nothing')
    .addOption(createOutputOption(['table', 'json']))
    .addOption(
      new Option('--keep-artifacts', 'leave artifacts where they are: where their store is gone'),
    )
    .action(async (flags: GcFlags) => {
      if (flags.workspace !== undefined && flags.allWorkspaces) {
        throw new UsageError('--workspace and --all-workspaces exclude each other');
      }
      const { collect } = await import('./gc/collect.ts');
      await collect(flags, context);
    });
}
