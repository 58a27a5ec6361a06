import { resolve } from 'node:path';
import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import {
  addMlflowImageOptions,
  addOwnImageOptions,
  fetchImageModel,
  type ImageFlags,
  readImageOptions,
} from './image-options.ts';

interface GenerateFlags extends ImageFlags {
  readonly outputDirectory: string;
}

/** `mlflow models generate-dockerfile`: the folder that any `docker build` makes the image of a model from. */
export function createGenerateDockerfileCommand(context: Context): Command {
  const command = new Command('generate-dockerfile')
    .description('write a folder from which `docker build` makes the image that serves a model')
    .option('-d, --output-directory <folder>', 'where to write it', 'mlflow-dockerfile');
  return addOwnImageOptions(addMlflowImageOptions(command)).action((flags: GenerateFlags) =>
    generateDockerfile(flags, context),
  );
}

async function generateDockerfile(flags: GenerateFlags, context: Context): Promise<void> {
  const [{ planModelImage }, { isModelDockerfile, listContext }, { replaceEntries }] =
    await Promise.all([
      import('../../serving/image/plan.ts'),
      import('../../images/model-dockerfile.ts'),
      import('../../host/docker/build-folder.ts'),
    ]);
  const model = await fetchImageModel(flags, context);
  const build = { buildKit: undefined, buildArguments: [] };
  const options = readImageOptions(flags, context, build);
  const { recipe, entries, warnings } = await planModelImage(model, options, context.env);
  for (const warning of warnings) context.terminal.warn(warning);
  const folder = resolve(context.cwd, flags.outputDirectory);
  await replaceEntries(listContext(recipe, entries), folder, isModelDockerfile);
  context.terminal.print(folder);
  context.terminal.note(`build it: docker build -t NAME ${folder}`);
}
