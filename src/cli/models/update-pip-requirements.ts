import { Argument, Command } from 'commander';
import type { ArtifactResolver } from '../../artifacts/store.ts';
import { redactUrls } from '../../core/redact.ts';
import type { Context } from '../../host/context.ts';
import type { RequirementChange, RequirementOperation } from '../../models/update-requirements.ts';
import { withArtifactResolver } from '../artifact-resolver.ts';
import { createModelUriOption } from './local-model.ts';

/** `mlflow models update-pip-requirements`. */
export function createUpdatePipRequirementsCommand(context: Context): Command {
  return new Command('update-pip-requirements')
    .description("add requirements to a model's conda.yaml and requirements.txt, or remove them")
    .addOption(createModelUriOption())
    .addArgument(new Argument('<operation>', 'what to do').choices(['add', 'remove']))
    .argument('[requirements...]', "NAME, 'NAME>=1,<2'; versions do not count for remove")
    .action(
      (
        operation: RequirementOperation,
        requirements: readonly string[],
        { modelUri }: { modelUri: string },
      ) => update(modelUri, operation, requirements, context),
    );
}

async function update(
  uri: string,
  operation: RequirementOperation,
  requirements: readonly string[],
  context: Context,
): Promise<void> {
  const { readRequirementChange } = await import('../../models/update-requirements.ts');
  const change = readRequirementChange(operation, requirements);
  const { isLocal } = await import('../../artifacts/artifact-uri.ts');
  // No store is opened for a folder.
  if (isLocal(uri)) await rewrite(uri, change, context, undefined);
  else {
    await withArtifactResolver(context, (resolver) => rewrite(uri, change, context, resolver));
  }
  context.terminal.note(`updated the requirements of ${redactUrls(uri)}`);
}

async function rewrite(
  uri: string,
  change: RequirementChange,
  context: Context,
  resolver: ArtifactResolver | undefined,
): Promise<void> {
  const { rewriteModelFiles } = await import('../../artifacts/rewrite.ts');
  const { changeCondaFile, changeRequirementsFile } = await import(
    '../../models/update-requirements.ts'
  );
  const { CONDA_FILE, REQUIREMENTS_FILE } = await import('../../models/environment-source.ts');
  const names = [CONDA_FILE, REQUIREMENTS_FILE];
  await rewriteModelFiles(
    uri,
    names,
    async (texts) => {
      const conda = await changeCondaFile(texts[CONDA_FILE] ?? '', change);
      for (const name of conda.missing) {
        context.terminal.warn(`\`${name}\` is not among the requirements: nothing to remove`);
      }
      return {
        [CONDA_FILE]: conda.text,
        [REQUIREMENTS_FILE]: changeRequirementsFile(texts[REQUIREMENTS_FILE] ?? '', change),
      };
    },
    { context, resolver },
  );
}
