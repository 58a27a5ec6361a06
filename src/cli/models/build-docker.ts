import { dirname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { writeFileAtomically } from '../../host/files.ts';
import { isFolder } from '../../host/folders.ts';
import type { ModelImage } from '../../images/model-image.ts';
import type { InstalledPackage } from '../../images/packages.ts';
import type { ImageWork } from '../../images/pull.ts';
import type { ModelImagePlan } from '../../serving/image/plan.ts';
import { collect } from '../repeated-option.ts';
import { type BuildInputFlags, type BuildInputs, readBuildInputs } from './build-inputs.ts';
import {
  addMlflowImageOptions,
  addOwnImageOptions,
  fetchImageModel,
  type ImageFlags,
  readImageOptions,
} from './image-options.ts';
import { printAsJson, printForPeople } from './image-report.ts';

interface BuildFlags extends ImageFlags, BuildInputFlags {
  readonly name: string;
  readonly tag?: readonly string[];
  readonly cache: boolean;
  readonly push: boolean;
  readonly sbom?: string;
  readonly output: 'table' | 'json';
}

/** `mlflow models build-docker`: the image that serves a model. */
export function createBuildDockerCommand(context: Context): Command {
  const command = new Command('build-docker')
    .description('build a Docker image that serves a model at port 8080')
    .option('-n, --name <name>', 'of the image', 'mlflow-pyfunc-servable');
  return addOwnImageOptions(addMlflowImageOptions(command))
    .option('--tag <name>', 'another name for it; repeatable', collect)
    .option('--build-arg <NAME=value>', 'seen while packages are installed; repeatable', collect)
    .option(
      '--secret <id=ID,src=FILE>',
      'a file at /run/secrets/ID while packages are installed, in no layer; id=netrc is read as ~/.netrc; repeatable',
      collect,
    )
    .option('--pip-index-url <url>', 'where packages come from')
    .option('--no-cache', 'use nothing of an earlier build')
    .option('--push', 'send it to the registry in its name', false)
    .option('--sbom <file>', 'write which Python packages are in it, as CycloneDX in JSON')
    .addOption(
      new Option('-o, --output <format>', 'how to show it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .action((flags: BuildFlags) => buildDocker(flags, context));
}

async function buildDocker(flags: BuildFlags, context: Context): Promise<void> {
  const startedAt = context.now();
  const { checkImageName } = await import('../../images/image-name.ts');
  const names: [string, ...string[]] = [flags.name, ...(flags.tag ?? [])];
  for (const name of names) checkImageName(name);
  await checkBill(flags, context);
  const inputs = await readBuildInputs(flags, context);
  const { work, usesBuildKit } = await findBuilder(flags, context);
  if (inputs.secrets.size > 0 && !usesBuildKit) throw refuseSecrets();
  const plan = await planBuild(flags, inputs, usesBuildKit, context);
  const { buildModelImage, pushModelImage } = await import('../../images/model-image.ts');
  const order = { names, ...plan, ...inputs, forgetsCache: !flags.cache };
  const image = await buildModelImage(order, work);
  const packages = await describePackages(flags, image, work);
  const pushed = flags.push ? await pushModelImage(image, work) : [];
  const seconds = (context.now() - startedAt) / 1_000;
  const report = { image, packages, pushed, seconds };
  await (flags.output === 'json' ? printAsJson : printForPeople)(report, context.terminal);
}

/** @throws UsageError where there would be nothing to list, or nowhere to write it. */
async function checkBill({ sbom, modelUri }: BuildFlags, { cwd }: Context): Promise<void> {
  if (sbom === undefined) return;
  if (modelUri === undefined) {
    const { explainMissingModel } = await import('../../serving/image/plan.ts');
    throw explainMissingModel('--sbom');
  }
  const folder = dirname(resolve(cwd, sbom));
  if (await isFolder(folder)) return;
  throw new UsageError(`--sbom: there is no folder ${folder}`, {
    hint: 'make it, or name another file',
  });
}

async function findBuilder({ platform }: BuildFlags, context: Context) {
  const [{ connectDocker }, { hasBuildKit }] = await Promise.all([
    import('../../host/docker/daemon.ts'),
    import('../../host/docker/build-session.ts'),
  ]);
  const docker = await connectDocker(context.env);
  const { signal } = context.interrupts;
  const work: ImageWork = { docker, context, signal, platform };
  return { work, usesBuildKit: await hasBuildKit(docker, context.env) };
}

async function planBuild(
  flags: BuildFlags,
  { secrets, buildArguments }: BuildInputs,
  usesBuildKit: boolean,
  context: Context,
): Promise<ModelImagePlan> {
  const { planModelImage } = await import('../../serving/image/plan.ts');
  const options = readImageOptions(flags, context, {
    buildKit: usesBuildKit ? { secrets: [...secrets.keys()] } : undefined,
    buildArguments: Object.keys(buildArguments),
  });
  const made = await planModelImage(await fetchImageModel(flags, context), options, context.env);
  for (const warning of made.warnings) context.terminal.warn(warning);
  return made;
}

function refuseSecrets(): UsageError {
  return new UsageError('--secret needs BuildKit, with which this Docker does not build', {
    hint: 'set DOCKER_BUILDKIT=1, or use Docker 23 or later',
  });
}

async function describePackages(
  { sbom }: BuildFlags,
  image: ModelImage,
  work: ImageWork,
): Promise<readonly InstalledPackage[]> {
  const { readPackages } = await import('../../images/packages.ts');
  const packages = await readPackages(work.docker, image.id);
  if (sbom !== undefined) {
    const { renderBillOfMaterials } = await import('../../images/bill-of-materials.ts');
    const text = await renderBillOfMaterials(image, packages);
    await writeFileAtomically(resolve(work.context.cwd, sbom), `${text}\n`);
  }
  return packages;
}
