import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { pickVariables } from '../../core/environment-variables.ts';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { writeFileAtomically } from '../../host/files.ts';
import { readBinaryFile } from '../../host/text-file.ts';
import { PIP_SETTINGS } from '../../images/dockerfile.ts';
import type { ModelImage } from '../../images/model-image.ts';
import type { InstalledPackage } from '../../images/packages.ts';
import type { ImageWork } from '../../images/pull.ts';
import { printRows } from '../output.ts';
import { collect } from '../repeated-option.ts';
import {
  addMlflowImageOptions,
  addOwnImageOptions,
  fetchImageModel,
  type ImageFlags,
  readImageOptions,
} from './image-options.ts';

interface BuildFlags extends ImageFlags {
  readonly name: string;
  readonly tag?: readonly string[];
  readonly buildArg?: readonly string[];
  readonly secret?: readonly string[];
  readonly pipIndexUrl?: string;
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
    .option('--sbom <file>', 'write what is in it, as CycloneDX in JSON')
    .addOption(
      new Option('-o, --output <format>', 'how to show it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .action((flags: BuildFlags) => buildDocker(flags, context));
}

async function buildDocker(flags: BuildFlags, context: Context): Promise<void> {
  const startedAt = context.now();
  const buildArguments = readBuildArguments(flags, context.env);
  const secrets = await readSecrets(flags.secret ?? [], context);
  const [{ connectDocker }, { hasBuildKit }] = await Promise.all([
    import('../../host/docker/daemon.ts'),
    import('../../host/docker/build-session.ts'),
  ]);
  const docker = await connectDocker(context.env);
  const usesBuildKit = await hasBuildKit(docker, context.env);
  if (secrets.size > 0 && !usesBuildKit) throw refuseSecrets();
  const { signal } = context.interrupts;
  const work: ImageWork = { docker, context, signal, platform: flags.platform };
  const model = await fetchImageModel(flags, context);
  const { planModelImage } = await import('../../serving/image/plan.ts');
  const options = readImageOptions(flags, context, {
    buildKit: usesBuildKit ? { secrets: [...secrets.keys()] } : undefined,
    buildArguments: Object.keys(buildArguments).filter((name) => !name.startsWith('PIP_')),
  });
  const { recipe, entries, warnings } = await planModelImage(model, options, context.env);
  for (const warning of warnings) context.terminal.warn(warning);
  const { buildModelImage, pushModelImage } = await import('../../images/model-image.ts');
  const names: [string, ...string[]] = [flags.name, ...(flags.tag ?? [])];
  const order = { names, recipe, entries, secrets, buildArguments, forgetsCache: !flags.cache };
  const image = await buildModelImage(order, work);
  const packages = await describePackages(flags, image, work);
  if (flags.push) await pushModelImage(image, work);
  const seconds = (context.now() - startedAt) / 1_000;
  await show(image, packages, seconds, flags, context);
}

function refuseSecrets(): UsageError {
  return new UsageError('--secret needs BuildKit, with which this Docker does not build', {
    hint: 'set DOCKER_BUILDKIT=1, or use Docker 23 or later',
  });
}

/** Settings of pip in our own environment go along, as in images of projects. @throws UsageError */
function readBuildArguments(
  { buildArg = [], pipIndexUrl }: BuildFlags,
  env: Context['env'],
): Record<string, string> {
  const pairs = buildArg.map((text): [string, string] => {
    const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
    if (name !== undefined && value !== undefined) return [name, value];
    throw new UsageError(`--build-arg takes NAME=value, got \`${text}\``);
  });
  const index: [string, string][] =
    pipIndexUrl === undefined ? [] : [['PIP_INDEX_URL', pipIndexUrl]];
  return { ...pickVariables(env, PIP_SETTINGS), ...Object.fromEntries([...pairs, ...index]) };
}

const LARGEST_SECRET_BYTES = 500_000;

/** As `docker build --secret` reads them. @throws UsageError */
async function readSecrets(
  texts: readonly string[],
  { cwd, env }: Context,
): Promise<ReadonlyMap<string, Buffer>> {
  const secrets = new Map<string, Buffer>();
  for (const text of texts) {
    const fields = new Map(
      text.split(',').map((part) => part.split(/=(.*)/s, 2) as [string, string]),
    );
    const id = fields.get('id') ?? '';
    const variable = fields.get('env');
    const file = fields.get('src') ?? fields.get('source');
    if (!/^[\w.-]+$/.test(id) || (variable === undefined && file === undefined)) {
      throw new UsageError(`--secret takes id=ID,src=FILE or id=ID,env=NAME, got \`${text}\``);
    }
    if (file !== undefined) {
      secrets.set(id, await readBinaryFile(resolve(cwd, file), LARGEST_SECRET_BYTES));
    } else {
      const value = env[variable ?? ''];
      if (value === undefined) throw new UsageError(`--secret: ${variable} is not set`);
      secrets.set(id, Buffer.from(value));
    }
  }
  return secrets;
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

async function show(
  image: ModelImage,
  packages: readonly InstalledPackage[],
  seconds: number,
  { output }: BuildFlags,
  { terminal }: Context,
): Promise<void> {
  if (output === 'json') {
    const shown = {
      image: image.names[0],
      tags: image.names,
      digest: image.id,
      context_digest: image.contextDigest,
      size: image.sizeBytes,
      seconds,
      layers: image.layers.map((layer) => ({
        instruction: layer.instruction,
        size: layer.sizeBytes,
      })),
      packages: packages.map(({ name, version, sizeBytes }) => ({
        name,
        version,
        size: sizeBytes,
      })),
    };
    return terminal.print(JSON.stringify(shown, null, 2));
  }
  const parts = [
    ...image.layers.map(({ instruction, sizeBytes }) => ({
      what: shorten(instruction),
      sizeBytes,
    })),
    ...packages.slice(0, MOST_PACKAGES).map(({ name, version, sizeBytes }) => ({
      what: `  ${name} ${version}`,
      sizeBytes,
    })),
  ];
  const columns = [
    {
      heading: 'size_mb',
      cell: (part: (typeof parts)[number]) => (part.sizeBytes / 1e6).toFixed(1).padStart(7),
    },
    { heading: 'what', cell: (part: (typeof parts)[number]) => part.what },
  ];
  await printRows(parts, columns, 'table', terminal);
  const megabytes = (image.sizeBytes / 1e6).toFixed(0);
  terminal.note(`built ${image.names.join(', ')}: ${megabytes} MB in ${seconds.toFixed(1)} s`);
  terminal.note(`start it: docker run -p 5001:8080 ${image.names[0]}`);
}

/** Of the largest packages in the table for people. */
const MOST_PACKAGES = 10;

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
