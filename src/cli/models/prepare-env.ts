import { join } from 'node:path';
import { Command, Option } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import {
  createEnvironmentManagerOption,
  createInstallMlflowOption,
  type EnvironmentFlags,
  readEnvironmentFlags,
} from './environment-options.ts';
import { createModelUriOption, fetchLocalModel } from './local-model.ts';

interface PrepareEnvFlags extends EnvironmentFlags {
  readonly modelUri: string;
  readonly output: 'text' | 'json';
}

/** `mlflow models prepare-env`: the environment that `serve` and `predict` will find. */
export function createPrepareEnvCommand(context: Context): Command {
  return new Command('prepare-env')
    .description('make the environment of a model before it is served, and print where it is')
    .addOption(createModelUriOption())
    .addOption(createEnvironmentManagerOption())
    .addOption(createInstallMlflowOption())
    .optionsGroup('Beyond MLflow:')
    .addOption(
      new Option('-o, --output <format>', 'how to show it')
        .choices(['text', 'json'])
        .default('text'),
    )
    .action((flags: PrepareEnvFlags) => prepareEnv(flags, context));
}

async function prepareEnv(flags: PrepareEnvFlags, context: Context): Promise<void> {
  if (flags.envManager === 'local') {
    throw new UsageError('--env-manager local has nothing to prepare: it is what is there', {
      hint: 'leave it out, or choose virtualenv, uv or conda',
    });
  }
  const model = await fetchLocalModel(flags.modelUri, context);
  const { prepareModelEnvironment } = await import('../../serving/model-process.ts');
  const { folder = '' } = await prepareModelEnvironment(
    model,
    readEnvironmentFlags(flags),
    context,
  );
  if (flags.output === 'text') return context.terminal.print(folder);
  const shown = {
    model_uri: model.uri,
    env_manager: flags.envManager,
    folder,
    python: join(folder, 'bin', 'python'),
  };
  context.terminal.print(JSON.stringify(shown, null, 2));
}
