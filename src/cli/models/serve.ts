import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { variables } from '../../core/environment-variables.ts';
import type { EnvironmentManager } from '../../environments/environment.ts';
import type { Context } from '../../host/context.ts';

interface ServeFlags {
  readonly modelUri: string;
  readonly port: number;
  readonly host: string;
  readonly timeout: number;
  readonly workers: number;
  readonly envManager: EnvironmentManager;
  readonly conda: boolean;
  readonly maxQueue: number;
  readonly maxBody: number;
  readonly maxBatchSize: number;
  readonly batchWaitMs: number;
}

/** Between the signal and the end of what is still under way. */
const GRACE_MS = 30_000;

/** `mlts models serve`: MLflow's scoring server (`mlflow/models/cli.py`, `serve`). */
export function createServeCommand(context: Context): Command {
  return new Command('serve')
    .description('answer predictions of a model over HTTP')
    .requiredOption('-m, --model-uri <uri>', 'models:/..., runs:/..., an artifact URI or a folder')
    .addOption(
      new Option('-p, --port <number>', 'where to listen')
        .env(variables.port)
        .default(5_000)
        .argParser((text) => readCount(text, 0, 65_535)),
    )
    .addOption(
      new Option('-h, --host <address>', '0.0.0.0: for other machines too')
        .env(variables.host)
        .default('127.0.0.1'),
    )
    .addOption(
      new Option('-t, --timeout <seconds>', 'for one request')
        .env(variables.scoringTimeout)
        .default(60)
        .argParser((text) => readCount(text, 1, 86_400)),
    )
    .addOption(
      new Option('-w, --workers <number>', 'Python processes, each with the model loaded')
        .env(variables.modelsWorkers)
        .default(availableParallelism())
        .argParser((text) => readCount(text, 1, 512)),
    )
    .addOption(
      new Option('--env-manager <manager>', 'what makes the environment of the model')
        .choices(['local', 'virtualenv', 'uv', 'conda'])
        .default('virtualenv'),
    )
    .option('--no-conda', 'the old name of --env-manager local')
    .addOption(
      new Option('--max-queue <number>', 'requests that may wait; more are answered 503')
        .default(1_000)
        .argParser((text) => readCount(text, 0, 1_000_000)),
    )
    .addOption(
      new Option('--max-body <bytes>', 'larger requests are answered 413')
        .default(1_000_000_000)
        .argParser((text) => readCount(text, 1, 4_000_000_000)),
    )
    .addOption(
      new Option(
        '--max-batch-size <rows>',
        'rows of waiting requests that are predicted at once; 1: none',
      )
        .default(1)
        .argParser((text) => readCount(text, 1, 1_000_000)),
    )
    .addOption(
      new Option('--batch-wait-ms <ms>', 'how long an idle worker waits for more to join')
        .default(0)
        .argParser((text) => readCount(text, 0, 60_000)),
    )
    .action((flags: ServeFlags) => serve(flags, context));
}

async function serve(flags: ServeFlags, context: Context): Promise<void> {
  const [{ serveModel }, { readMlmodel }] = await Promise.all([
    import('../../serving/serve.ts'),
    import('../../models/mlmodel.ts'),
  ]);
  const folder = resolve(context.cwd, flags.modelUri);
  const options = {
    host: flags.host,
    port: flags.port,
    workers: flags.workers,
    timeoutMs: flags.timeout * 1_000,
    mostWaiting: flags.maxQueue,
    mostBodyBytes: flags.maxBody,
    mostBatchRows: flags.maxBatchSize,
    batchWaitMs: flags.batchWaitMs,
    environmentManager: flags.conda ? flags.envManager : 'local',
    tls: undefined,
    graceMs: GRACE_MS,
  } as const;
  await serveModel({ folder, file: await readMlmodel(folder) }, options, context);
}

function readCount(text: string, least: number, most: number): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= least && count <= most) return count;
  throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
}
