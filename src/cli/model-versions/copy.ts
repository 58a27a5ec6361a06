import { Command } from 'commander';
import { InvalidInput, NotFound } from '../../core/errors.ts';
import type { ModelVersion } from '../../core/model-registry.ts';
import type { Context } from '../../host/context.ts';
import type { RegistryStore } from '../../registry/store.ts';
import { withRegistryStore } from '../registry-store.ts';

/** `mlts model-versions copy SOURCE DESTINATION`: `MlflowClient.copy_model_version`. */
export function createCopyCommand(context: Context): Command {
  return new Command('copy')
    .description('copy a version to another registered model, and print its number there')
    .argument('<source>', 'models:/NAME/VERSION, models:/NAME/STAGE or models:/NAME@ALIAS')
    .argument('<destination>', 'the registered model; made where it is not there')
    .action(async (source: string, destination: string) => {
      const copy = await withRegistryStore(context, async (store) =>
        copyVersion(await findSource(source, store), destination, store, context),
      );
      context.terminal.print(String(copy.version));
      context.terminal.note(
        `copied \`${copy.source}\` to version ${copy.version} of \`${copy.name}\``,
      );
    });
}

/** @throws InvalidInput for what is no version of a registered model, NotFound also for a prompt. */
async function findSource(uri: string, store: RegistryStore): Promise<ModelVersion> {
  const [{ parseModelUri }, { findVersion }, { PROMPT_TAG }] = await Promise.all([
    import('../../artifacts/model-uri.ts'),
    import('../../artifacts/resolver.ts'),
    import('../../registry/prompt-filter.ts'),
  ]);
  const { model, path } = parseModelUri(uri);
  if (model.by === 'id' || path !== '') {
    throw new InvalidInput(`\`${uri}\` is no version of a registered model`, {
      hint: 'write models:/NAME/VERSION; a logged model is registered by mlts models register',
    });
  }
  const version = await findVersion(store, model);
  const isPrompt = version.tags.some(({ key, value }) => key === PROMPT_TAG && value === 'true');
  if (isPrompt) throw new NotFound(`\`${uri}\` is a prompt, not a model`);
  return version;
}

/** Description, tags and run go along; stage and aliases do not. */
async function copyVersion(
  original: ModelVersion,
  destination: string,
  store: RegistryStore,
  { terminal }: Context,
): Promise<ModelVersion> {
  const { ensureModel } = await import('../../registry/ensure-model.ts');
  if (await ensureModel(store, destination)) {
    terminal.note(`created registered model \`${destination}\``);
  }
  return store.createVersion({
    name: destination,
    source: `models:/${original.name}/${original.version}`,
    runId: original.runId,
    runLink: original.runLink,
    modelId: original.modelId,
    description: original.description,
    tags: original.tags,
  });
}
