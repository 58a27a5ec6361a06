import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { createRunIdOption, createTargetPathOption } from './options.ts';

interface LogArtifactsFlags {
  readonly localDir: string;
  readonly runId: string;
  readonly artifactPath?: string;
}

/** `mlflow artifacts log-artifacts`. */
export function createLogArtifactsCommand(context: Context): Command {
  return new Command('log-artifacts')
    .description('log what is in a local folder as artifacts of a run')
    .requiredOption('-l, --local-dir <path>', 'the folder')
    .addOption(createRunIdOption())
    .addOption(createTargetPathOption())
    .action((flags: LogArtifactsFlags) => logArtifacts(flags, context));
}

async function logArtifacts(flags: LogArtifactsFlags, context: Context): Promise<void> {
  const { localDir, runId, artifactPath } = flags;
  const { describeUpload, findUploadTarget } = await import('./upload-target.ts');
  const target = await findUploadTarget(runId, artifactPath, context);
  const { uploadFolder } = await import('../../artifacts/upload.ts');
  const summary = await uploadFolder(localDir, target, context);
  context.terminal.note(`logged ${localDir} to run ${runId} (${describeUpload(summary)})`);
}
