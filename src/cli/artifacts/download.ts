import { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { withArtifactResolver } from '../artifact-resolver.ts';
import { createNoCacheOption } from './options.ts';

interface DownloadFlags {
  readonly runId?: string;
  readonly artifactPath?: string;
  readonly artifactUri?: string;
  readonly dstPath?: string;
  readonly cache: boolean;
}

/** `mlflow artifacts download`: prints an empty line and the local path, as MLflow does. */
export function createDownloadCommand(context: Context): Command {
  return new Command('download')
    .description('download a file or a folder of artifacts, and print where it is')
    .option('-r, --run-id <id>', 'the run')
    .option('-a, --artifact-path <path>', "the file or folder; default: all of the run's artifacts")
    .option('-u, --artifact-uri <uri>', 'its address (runs:/RUN/path, s3://...), instead of a run')
    .option('-d, --dst-path <folder>', 'where to; default: a new temporary folder')
    .optionsGroup('Beyond MLflow:')
    .addOption(createNoCacheOption())
    .action((flags: DownloadFlags) => download(flags, context));
}

async function download(flags: DownloadFlags, context: Context): Promise<void> {
  const uri = await chooseUri(flags);
  const path = await withArtifactResolver(context, async (resolver) => {
    const { deliverArtifact } = await import('../../artifacts/delivery.ts');
    const options = { usesCache: flags.cache };
    return deliverArtifact(uri, flags.dstPath, context, resolver, options);
  });
  context.terminal.print(`\n${path}`);
}

/** An address comes before a run and a path, which MLflow leaves unread then. */
async function chooseUri({
  artifactUri,
  runId,
  artifactPath = '',
}: DownloadFlags): Promise<string> {
  if (artifactUri !== undefined) return artifactUri;
  if (runId === undefined || runId === '') {
    throw new UsageError('neither --run-id nor --artifact-uri is given', {
      hint: 'write: mlts artifacts download --run-id RUN --artifact-path PATH',
    });
  }
  const { readSourcePath } = await import('../../artifacts/artifact-path.ts');
  // `sub/` means what is in `sub`.
  const contents = artifactPath.endsWith('/') ? '/' : '';
  return `runs:/${runId}/${readSourcePath(artifactPath)}${contents}`;
}
