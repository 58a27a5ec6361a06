import { Command } from 'commander';
import { resolveLocation } from '../../core/artifact-location.ts';
import type { Tag } from '../../core/entities.ts';
import { variables } from '../../core/environment-variables.ts';
import type { LoggedModel } from '../../core/logged-model.ts';
import type { Context } from '../../host/context.ts';
import { findLoggedModel } from '../../tracking/find-logged-model.ts';
import { withRegistryStore } from '../registry-store.ts';
import { createTagOption } from '../tag-option.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createNameArgument } from './arguments.ts';

interface CreateFlags {
  readonly source: string;
  readonly runId?: string;
  readonly modelId?: string;
  readonly description?: string;
  readonly tag?: readonly Tag[];
}

/** `mlts model-versions create NAME --source URI`: `MlflowClient.create_model_version`. */
export function createCreateCommand(context: Context): Command {
  return new Command('create')
    .description('add a version to a registered model, and print its number')
    .addArgument(createNameArgument())
    .requiredOption(
      '-s, --source <uri>',
      'the folder with the model, models:/NAME/VERSION or models:/m-ID',
    )
    .option('--run-id <id>', 'the run that made it')
    .option('--model-id <id>', 'the logged model that it is; default: that of models:/m-ID')
    .option('-d, --description <text>', 'what is special about it')
    .addOption(createTagOption())
    .action(async (name: string, flags: CreateFlags) => {
      const { runId, description, tag: tags = [] } = flags;
      const source = resolveLocation(flags.source, context.cwd);
      const modelId = flags.modelId ?? /^models:\/+([^/@]+)$/.exec(source)?.[1];
      const model = await findElsewhere(modelId, context);
      const { version } = await withRegistryStore(context, (store) =>
        store.createVersion({
          name,
          source,
          runId: runId ?? model?.sourceRunId,
          modelId,
          location: model?.artifactUri,
          description,
          tags,
        }),
      );
      context.terminal.print(String(version));
      context.terminal.note(`created version ${version} of \`${name}\``);
    });
}

/** A registry of its own does not know the logged models, which are where the runs are. */
async function findElsewhere(
  modelId: string | undefined,
  context: Context,
): Promise<LoggedModel | undefined> {
  if (modelId === undefined || !context.env[variables.registryUri]) return undefined;
  return withTrackingStore(context, (store) => findLoggedModel(store, modelId));
}
