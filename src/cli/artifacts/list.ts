import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withArtifactResolver } from '../artifact-resolver.ts';
import { createOutputOption, type OutputFormat, printRows } from '../output.ts';
import { createRunIdOption } from './options.ts';

interface ListFlags {
  readonly runId: string;
  readonly artifactPath?: string;
  readonly output: OutputFormat;
}

/** `mlflow artifacts list`: JSON as MLflow prints it, unless a table is asked for. */
export function createListCommand(context: Context): Command {
  return new Command('list')
    .description("list what lies directly in a folder of a run's artifacts")
    .addOption(createRunIdOption())
    .option('-a, --artifact-path <path>', "the folder; default: the root of the run's artifacts")
    .optionsGroup('Beyond MLflow:')
    .addOption(createOutputOption().default('json'))
    .action((flags: ListFlags) => printArtifacts(flags, context));
}

async function printArtifacts(flags: ListFlags, context: Context): Promise<void> {
  const { runId, artifactPath = '', output } = flags;
  const { readSourcePath } = await import('../../artifacts/artifact-path.ts');
  const path = readSourcePath(artifactPath);
  const entries = await withArtifactResolver(context, async (resolver) => {
    const { listArtifacts } = await import('../../artifacts/listing.ts');
    return listArtifacts(runId, path, context, resolver);
  });
  const view = await import('./artifact-view.ts');
  const rows = entries.map(view.toArtifactJson);
  if (output === 'json') return context.terminal.print(view.renderArtifactsJson(rows));
  return printRows(rows, view.ARTIFACT_COLUMNS, output, context.terminal);
}
