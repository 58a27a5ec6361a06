import { Command, Option } from 'commander';
import type { Tag } from '../../core/entities.ts';
import { MltsError } from '../../core/errors.ts';
import type { ModelVersion } from '../../core/model-registry.ts';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';
import { collect } from '../repeated-option.ts';
import { createTagOption } from '../tag-option.ts';
import { withTrackingStore } from '../tracking-store.ts';
import type { ModelStores } from './registration-source.ts';

interface RegisterFlags {
  readonly name: string;
  readonly description?: string;
  readonly tag?: readonly Tag[];
  readonly alias?: readonly string[];
  readonly runId?: string;
  readonly output: 'text' | 'json';
}

/** `mlts models register SOURCE --name NAME`: `mlflow.register_model`. */
export function createRegisterCommand(context: Context): Command {
  return new Command('register')
    .description('make a model a new version of a registered model, and print its number')
    .argument(
      '<source>',
      'runs:/RUN/model, models:/m-ID, models:/NAME/VERSION, or its folder (s3://...)',
    )
    .requiredOption('-n, --name <name>', 'the registered model; made where it is not there')
    .option('-d, --description <text>', 'what is special about this version')
    .addOption(createTagOption('-t, --tag <key=value>', 'of the version; repeatable'))
    .option('-a, --alias <alias>', 'given to the version; repeatable', collect)
    .option('--run-id <id>', 'the run that made it; default: what the source says')
    .addOption(createFormatOption())
    .action((source: string, flags: RegisterFlags) => registerModel(source, flags, context));
}

function createFormatOption(): Option {
  return new Option('-o, --output <format>', 'how to show it')
    .choices(['text', 'json'])
    .default('text');
}

async function registerModel(
  source: string,
  flags: RegisterFlags,
  context: Context,
): Promise<void> {
  await checkFlags(flags);
  const version = await withRegistryStore(context, (registry) =>
    withTrackingStore(context, (tracking) =>
      addVersion(source, flags, { context, registry, tracking }),
    ),
  );
  context.terminal.note(`created version ${version.version} of \`${version.name}\``);
  if (flags.output === 'text') return context.terminal.print(String(version.version));
  const { toVersionJson } = await import('../model-versions/version-json.ts');
  context.terminal.print(JSON.stringify(toVersionJson(version), null, 2));
}

/** What would be refused later is told before anything is created. */
async function checkFlags({ name, tag = [], alias = [] }: RegisterFlags): Promise<void> {
  const { checkModelName, checkNewAlias, checkTag } = await import('../../registry/limits.ts');
  checkModelName(name);
  tag.forEach(checkTag);
  alias.forEach(checkNewAlias);
}

async function addVersion(
  source: string,
  { name, description, tag: tags = [], alias: aliases = [], runId }: RegisterFlags,
  stores: ModelStores,
): Promise<ModelVersion> {
  const { findRegistrationSource } = await import('./registration-source.ts');
  const { ensureModel } = await import('../../registry/ensure-model.ts');
  const { registry, context } = stores;
  const model = await findRegistrationSource(source, stores);
  if (await ensureModel(registry, name)) {
    context.terminal.note(`created registered model \`${name}\``);
  }
  const version = { ...model, name, description, tags, runId: runId ?? model.runId };
  const made = await registry.createVersion(version);
  for (const alias of aliases) await registry.setAlias(name, alias, made.version);
  if (model.modelId !== undefined) await tellLoggedModel(model.modelId, made, stores);
  return aliases.length === 0 ? made : registry.getVersion(name, made.version);
}

/** The version is made: that its model does not list it is no reason to fail. */
async function tellLoggedModel(
  modelId: string,
  version: ModelVersion,
  { tracking, context }: ModelStores,
): Promise<void> {
  const { listVersionOn } = await import('../../tracking/version-tag.ts');
  await listVersionOn(modelId, version, tracking).catch((error: unknown) => {
    if (!(error instanceof MltsError)) throw error;
    context.terminal.warn(
      `logged model ${modelId} does not list the new version: ${error.message}`,
    );
  });
}
