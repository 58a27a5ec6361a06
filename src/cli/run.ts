import { Command, Option } from 'commander';
import { readNumber, variables } from '../core/environment-variables.ts';
import { UsageError } from '../core/errors.ts';
import { ENVIRONMENT_MANAGERS, type EnvironmentManager } from '../environments/environment.ts';
import type { Context } from '../host/context.ts';
import type { RunOptions } from '../projects/run-options.ts';
import { collect } from './repeated-option.ts';

/** What commander hands over; names and defaults are those of `mlflow run`. */
interface RunFlags {
  readonly entryPoint: string;
  readonly version?: string;
  readonly paramList?: readonly string[];
  readonly dockerArgs?: readonly string[];
  readonly experimentName?: string;
  readonly experimentId?: string;
  readonly backend: string;
  readonly backendConfig?: string;
  readonly envManager?: EnvironmentManager;
  readonly conda: boolean;
  readonly storageDir?: string;
  readonly runId?: string;
  readonly runName?: string;
  readonly buildImage?: boolean;
  readonly trackingProxy?: boolean;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly dryRun?: boolean;
  readonly plan?: boolean;
  readonly output: 'text' | 'json';
  readonly help?: boolean;
}

/** `mlts run URI`: every option of `mlflow run`, and what is new after them. */
export function runCommand(context: Context, finish: (exitCode: number) => void): Command {
  const command = new Command('run')
    .summary('run an MLproject project from a folder, a zip or a Git repository')
    .description(
      'Runs an entry point of an MLproject project and tracks it as an MLflow run.\n' +
        'URI is a folder, a .zip file (local or http), or a Git repository (https, ssh, git@, file),\n' +
        'with `#subdirectory` where the project is not at its top.',
    )
    .argument('[uri]', 'the project')
    .helpOption(false);
  addMlflowOptions(command);
  addOwnOptions(command);
  return command
    .addHelpText('after', EXAMPLES)
    .action(async (uri: string | undefined, flags: RunFlags) => {
      if (uri === undefined) return helpWithoutProject(command, flags);
      finish(await runOrDescribe(command, toRunOptions(uri, flags, context), flags, context));
    });
}

function addMlflowOptions(command: Command): void {
  command
    .option('-e, --entry-point <name>', 'entry point, or a .py, .sh or .R script', 'main')
    .option('-v, --version <revision>', 'Git branch, tag or commit to run')
    .option(
      '-P, --param-list <name=value>',
      'a parameter; repeatable; @file.yaml reads many',
      collect,
    )
    .option('-A, --docker-args <name=value>', 'an option of `docker run`; repeatable', collect)
    .option('--experiment-name <name>', `created if absent [${variables.experimentName}]`)
    .option('--experiment-id <id>', `[${variables.experimentId}]`)
    .option('-b, --backend <name>', 'where the project runs: local', 'local')
    .option('-c, --backend-config <json>', 'a .json file or JSON text for the backend')
    .addOption(
      new Option('--env-manager <name>', 'default: by the project').choices(ENVIRONMENT_MANAGERS),
    )
    .addOption(new Option('--no-conda', 'old name of --env-manager local').hideHelp())
    .option(
      '--storage-dir <folder>',
      `where URIs given for \`path\` parameters are downloaded [${variables.storageDirectory}]`,
    )
    .option('--run-id <id>', 'use this run instead of a new one')
    .option('--run-name <name>', 'name of the run')
    .option('--build-image', 'Docker projects: build an image with the project inside');
}

function addOwnOptions(command: Command): void {
  command
    .optionsGroup('Beyond MLflow:')
    .option(
      '--env <name=value>',
      'a variable for the command; `NAME` copies ours; repeatable',
      collect,
    )
    .option(
      '--env-file <file>',
      'variables for the command, a NAME=value per line; repeatable',
      collect,
    )
    .option(
      '--tracking-proxy',
      'the command logs by way of a server of ours; default: in containers, to stores on this machine',
    )
    .option('--no-tracking-proxy', 'the command opens the store by itself')
    .option('--dry-run', 'show what would be done, do nothing')
    .addOption(new Option('--plan', 'same as --dry-run').hideHelp())
    .addOption(
      new Option('-o, --output <format>', 'of --dry-run').choices(['text', 'json']).default('text'),
    )
    .option('-h, --help', "this help; with a URI also the project's entry points");
}

const EXAMPLES = `
Examples:
  mlts run . -P n_estimators=200
  mlts run https://github.com/user/project.git --version main -e evaluate
  mlts run . --env-manager docker
  mlts run . --dry-run`;

function helpWithoutProject(command: Command, flags: RunFlags): void {
  if (flags.help) {
    command.outputHelp();
    return;
  }
  throw new UsageError('missing argument `uri`: which project?', {
    hint: '`mlts run .` runs the project in this folder; `mlts run --help` lists the options',
  });
}

async function runOrDescribe(
  command: Command,
  options: RunOptions,
  flags: RunFlags,
  context: Context,
): Promise<number> {
  if (flags.help) {
    const { describeSource } = await import('../projects/describe.ts');
    context.terminal.print(`${command.helpInformation().trimEnd()}\n`);
    context.terminal.print(await describeSource(options, context));
    return 0;
  }
  if (flags.dryRun || flags.plan) {
    const { planRun, renderPlan } = await import('../projects/plan.ts');
    const plan = await planRun(options, context);
    context.terminal.print(
      flags.output === 'json' ? JSON.stringify(plan, null, 2) : renderPlan(plan),
    );
    return 0;
  }
  const { runProject } = await import('../projects/run.ts');
  return runProject(options, context, async (request) => {
    const { startRunProxy } = await import('../server/run-proxy/start.ts');
    return startRunProxy(request, context);
  });
}

/** Ten days: no timer of Node's is longer than three weeks. */
const LONGEST_SECONDS = 864_000;

/** Options are checked once, here: flag before environment before default. */
function toRunOptions(uri: string, flags: RunFlags, context: Context): RunOptions {
  if (flags.backend !== 'local') throw unsupportedBackend(flags.backend);
  if (!flags.conda) {
    context.terminal.warn('--no-conda is the old name of `--env-manager local`');
  }
  const { env } = context;
  return {
    uri,
    entryPoint: flags.entryPoint,
    version: flags.version,
    parameterArguments: flags.paramList ?? [],
    dockerArguments: parseDockerArguments(flags.dockerArgs ?? []),
    experiment: selectExperiment(flags, env),
    backendConfig: flags.backendConfig,
    environmentManager: flags.envManager ?? (flags.conda ? undefined : 'local'),
    storageDirectory: flags.storageDir ?? (env[variables.storageDirectory] || undefined),
    runId: flags.runId,
    runName: flags.runName,
    buildImage: flags.buildImage ?? false,
    trackingProxy: flags.trackingProxy,
    variableArguments: flags.env ?? [],
    variableFiles: flags.envFile ?? [],
    graceMs: 1_000 * readNumber(env, variables.graceSeconds, 10, LONGEST_SECONDS),
    storeDeadlineMs: 1_000 * readNumber(env, variables.storeDeadlineSeconds, 120, LONGEST_SECONDS),
  };
}

function unsupportedBackend(name: string): UsageError {
  return ['databricks', 'kubernetes'].includes(name)
    ? new UsageError(`--backend ${name}: mlts runs projects on this machine only`, {
        hint: `leave --backend out, or use \`mlflow run --backend ${name}\``,
      })
    : new UsageError(`--backend: there is no backend \`${name}\``, {
        hint: 'MLflow plugins are Python packages that mlts cannot load; the one backend is `local`',
      });
}

/** A flag wins over the other's variable; both flags is one too many. An empty one is none, as in MLflow. */
function selectExperiment(flags: RunFlags, env: Context['env']): RunOptions['experiment'] {
  const name = flags.experimentName || undefined;
  const id = flags.experimentId || undefined;
  if (name !== undefined && id !== undefined) {
    throw new UsageError('--experiment-name and --experiment-id: give only one of them');
  }
  if (name !== undefined) return { name };
  if (id !== undefined) return { id };
  const nameOfEnv = env[variables.experimentName] || undefined;
  const idOfEnv = env[variables.experimentId] || undefined;
  return nameOfEnv === undefined ? { id: idOfEnv } : { name: nameOfEnv, id: idOfEnv };
}

/** `-A gpus=all -A t`: a word without `=` is a switch, as in `mlflow run`. */
function parseDockerArguments(words: readonly string[]): ReadonlyMap<string, string | true> {
  const parsed = new Map<string, string | true>();
  for (const word of words) {
    const split = word.indexOf('=');
    const name = split === -1 ? word : word.slice(0, split);
    if (name === '') throw new UsageError(`-A ${word}: the option has no name`);
    if (parsed.has(name)) throw new UsageError(`-A ${name} is given twice`);
    parsed.set(name, split === -1 ? true : word.slice(split + 1));
  }
  return parsed;
}
