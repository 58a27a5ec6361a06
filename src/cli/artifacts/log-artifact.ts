import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { createRunIdOption, createTargetPathOption } from './options.ts';

interface LogArtifactFlags {
  readonly localFile: string;
  readonly runId: string;
  readonly artifactPath?: string;
}

/** `mlflow artifacts log-artifact`. */
export function createLogArtifactCommand(context: Context): Command {
  return new Command('log-artifact')
    .description('log a local file as an artifact of a run')
    .requiredOption('-l, --local-file <path>', 'the file')
    .addOption(createRunIdOption())
    .addOption(createTargetPathOption())
    .action((flags: LogArtifactFlags) => logArtifact(flags, context));
}

async function logArtifact(flags: LogArtifactFlags, context: Context): Promise<void> {
  const { localFile, runId, artifactPath } = flags;
  const { describeUpload, findUploadTarget } = await import('./upload-target.ts');
  const target = await findUploadTarget(runId, artifactPath, context);
  const { uploadFile } = await import('../../artifacts/upload.ts');
  const summary = await uploadFile(localFile, target, context);
  context.terminal.note(`logged ${localFile} to run ${runId} (${describeUpload(summary)})`);
}
