import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { variables } from '../../core/environment-variables.ts';
import type { Context } from '../../host/context.ts';
import type { LocalModel } from '../../models/local-model.ts';
import type { ModelImageOptions } from '../../serving/image/plan.ts';
import { fetchLocalModel } from './local-model.ts';

/** What `build-docker` and `generate-dockerfile` have in common. */
export interface ImageFlags {
  readonly modelUri?: string;
  readonly envManager?: ModelImageOptions['manager'];
  readonly mlflowHome?: string;
  readonly installJava?: boolean;
  readonly installMlflow: boolean;
  readonly baseImage?: string;
  readonly platform?: string;
  readonly wheelhouse?: string;
  readonly gpu: boolean;
  readonly fullMlflow: boolean;
}

/** MLflow's options (`mlflow/utils/cli_args.py`). */
export function addMlflowImageOptions(command: Command): Command {
  return command
    .option('-m, --model-uri <uri>', 'the model; without one, the image takes it at /opt/ml/model')
    .addOption(
      new Option('--env-manager <manager>', 'how the packages of the model are installed').choices([
        'local',
        'virtualenv',
        'uv',
        'conda',
      ]),
    )
    .option('--mlflow-home <folder>', "MLflow's sources, installed in place of its release")
    .addOption(
      new Option(
        '--install-java [yes]',
        'install Java, or `false`: not even for models that ask for it',
      )
        .argParser(parseBoolean)
        .preset('true'),
    )
    .option('--install-mlflow', 'install MLflow where the model does not ask for it', false);
}

/** As click reads a boolean. @throws InvalidArgumentError, which commander tells as a usage error. */
function parseBoolean(text: string): boolean {
  if (/^(true|t|1|yes|y|on)$/i.test(text)) return true;
  if (/^(false|f|0|no|n|off)$/i.test(text)) return false;
  throw new InvalidArgumentError('It must be true or false.');
}

export function addOwnImageOptions(command: Command): Command {
  return command
    .optionsGroup('Beyond MLflow:')
    .option(
      '--base-image <image>',
      'with Python; default: python:VERSION-slim, the version of the model',
    )
    .addOption(
      new Option('--platform <platform>', 'of the image; default: that of this machine').choices([
        'linux/amd64',
        'linux/arm64',
      ]),
    )
    .option('--wheelhouse <folder>', 'install from the wheels in it, and from nowhere else')
    .option('--gpu', "on NVIDIA's CUDA image", false)
    .option('--full-mlflow', 'all of MLflow, also where its core serves the model', false);
}

export function readImageOptions(
  flags: ImageFlags,
  { cwd, env }: Context,
  build: Pick<ModelImageOptions, 'buildKit' | 'buildArguments'>,
): ModelImageOptions {
  const home = flags.mlflowHome ?? env[variables.mlflowHome];
  return {
    manager: flags.envManager,
    installsMlflow: flags.installMlflow,
    mlflowHome: home ? resolve(cwd, home) : undefined,
    installsJava: flags.installJava,
    baseImage: flags.baseImage,
    usesGpu: flags.gpu,
    keepsWholeMlflow: flags.fullMlflow,
    wheelhouse: flags.wheelhouse === undefined ? undefined : resolve(cwd, flags.wheelhouse),
    platform: flags.platform,
    ...build,
  };
}

/** Undefined where none is named: the image takes any model. */
export async function fetchImageModel(
  { modelUri }: ImageFlags,
  context: Context,
): Promise<LocalModel | undefined> {
  return modelUri === undefined ? undefined : fetchLocalModel(modelUri, context);
}
