import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { variables } from '../../core/environment-variables.ts';
import { InvalidInput, UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { readTextFile } from '../../host/text-file.ts';
import type { ServeOptions } from '../../serving/serve.ts';
import { readCount } from '../count.ts';
import { collect } from '../repeated-option.ts';
import {
  createEnvironmentManagerOption,
  createInstallMlflowOption,
  type EnvironmentFlags,
  readEnvironmentFlags,
} from './environment-options.ts';
import { createModelUriOption, fetchLocalModel } from './local-model.ts';

interface ServeFlags extends EnvironmentFlags {
  readonly modelUri: string;
  readonly port: number;
  readonly host: string;
  readonly timeout: number;
  readonly workers: number;
  readonly conda: boolean;
  readonly maxQueue: number;
  readonly maxBody: number;
  readonly maxBatchSize: number;
  readonly maxWorkerMemory?: number;
  readonly batchWaitMs: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tokenFile?: string;
  readonly cors?: readonly string[];
  readonly accessLog: boolean;
  readonly strict: boolean;
}

/** Between the signal and the end of what is still under way. */
const GRACE_MS = 30_000;

/** `mlts models serve`: MLflow's scoring server (`mlflow/models/cli.py`, `serve`). */
export function createServeCommand(
  context: Context,
  onListening?: ServeOptions['onListening'],
): Command {
  return new Command('serve')
    .description('answer predictions of a model over HTTP')
    .addOption(createModelUriOption())
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
    .addOption(createEnvironmentManagerOption())
    .option('--no-conda', 'the old name of --env-manager local')
    .addOption(createInstallMlflowOption())
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
    .addOption(
      new Option('--max-worker-memory <MB>', 'a worker that holds more is replaced').argParser(
        (text) => readCount(text, 1, 10_000_000),
      ),
    )
    .option('--tls-cert <file>', 'serve https with this certificate (PEM)')
    .option('--tls-key <file>', 'its key (PEM)')
    .option(
      '--token-file <file>',
      'answer only who brings the token in it: Authorization: Bearer ...',
    )
    .option('--cors <origin>', 'let pages of this origin read the answers; repeatable', collect)
    .option('--strict', 'refuse casts that lose something, such as 1.5 into an integer', false)
    .option('--access-log', 'a JSON line on stdout for each request', false)
    .action((flags: ServeFlags) => serve(flags, context, onListening));
}

async function serve(
  flags: ServeFlags,
  context: Context,
  onListening: ServeOptions['onListening'],
): Promise<void> {
  const options = await readOptions(flags, context);
  const model = await fetchLocalModel(flags.modelUri, context);
  const { serveModel } = await import('../../serving/serve.ts');
  await serveModel(model, { ...options, onListening }, context);
}

async function readOptions(flags: ServeFlags, { cwd }: Context): Promise<ServeOptions> {
  const read = async (path: string) => readTextFile(resolve(cwd, path), LARGEST_SECRET_BYTES);
  const { tlsCert, tlsKey, tokenFile } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError('--tls-cert and --tls-key go together');
  }
  const isSecure = tlsCert !== undefined && tlsKey !== undefined;
  return {
    host: flags.host,
    port: flags.port,
    mostBodyBytes: flags.maxBody,
    tls: isSecure ? { cert: await read(tlsCert), key: await read(tlsKey) } : undefined,
    size: flags.workers,
    timeoutMs: flags.timeout * 1_000,
    mostWaiting: flags.maxQueue,
    mostBatchRows: flags.maxBatchSize,
    mostWorkerBytes: flags.maxWorkerMemory && flags.maxWorkerMemory * 1_000_000,
    batchWaitMs: flags.batchWaitMs,
    environment: readEnvironmentFlags(flags.conda ? flags : { ...flags, envManager: 'local' }),
    token: tokenFile === undefined ? undefined : readToken(await read(tokenFile), tokenFile),
    origins: flags.cors ?? [],
    isStrict: flags.strict,
    logsAccess: flags.accessLog,
    graceMs: GRACE_MS,
  };
}

const LARGEST_SECRET_BYTES = 1_000_000;

/** @throws InvalidInput for a file without a token: it would let everybody in. */
function readToken(text: string, path: string): string {
  const token = text.trim();
  if (token !== '' && !/\s/.test(token)) return token;
  throw new InvalidInput(`${path} must hold one token, and nothing else`, {
    hint: 'make one: openssl rand -hex 32 > FILE',
  });
}
