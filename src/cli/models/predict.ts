import { Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import {
  CONTENT_TYPES,
  type ContentType,
  OUTPUT_FORMATS,
  type OutputFormat,
  type PredictJob,
  type PredictOptions,
} from '../../serving/predict/job.ts';
import {
  createEnvironmentManagerOption,
  createInstallMlflowOption,
  type EnvironmentFlags,
  readEnvironmentFlags,
} from './environment-options.ts';
import { createModelUriOption, fetchLocalModel } from './local-model.ts';
import type { PredictSource } from './predict-input.ts';
import type { PredictTarget } from './predict-output.ts';

interface PredictFlags extends EnvironmentFlags {
  readonly modelUri: string;
  readonly inputPath?: string;
  readonly outputPath?: string;
  readonly contentType?: ContentType;
  readonly pipRequirementsOverride?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly json?: string;
  readonly outputFormat?: OutputFormat;
  readonly workers: number;
  readonly stream?: boolean;
  readonly resume: boolean;
}

/** `mlflow models predict` (`mlflow/models/cli.py`, `predict`). */
export function createPredictCommand(context: Context): Command {
  const command = new Command('predict')
    .description('predict what is in a file, or comes on stdin')
    .addOption(createModelUriOption())
    .option('-i, --input-path <path>', 'a file or an artifact URI; `-`, or none: stdin')
    .option('-o, --output-path <path>', 'a file or an artifact URI; default: stdout')
    .addOption(
      new Option(
        '-t, --content-type <type>',
        "what the input is; default: by the file's ending, else json",
      ).choices(CONTENT_TYPES),
    )
    .addOption(createEnvironmentManagerOption())
    .addOption(createInstallMlflowOption())
    .addOption(
      new Option(
        '-r, --pip-requirements-override <list>',
        'installed on top of what the model requires: x==1.0,y==2.0',
      ).argParser(splitRequirements),
    )
    .addOption(
      new Option('--env <name=value>', 'a variable for the model; repeatable').argParser(
        addVariable,
      ),
    );
  addOwnOptions(command);
  return command.action((flags: PredictFlags) => predict(flags, context));
}

function addOwnOptions(command: Command): void {
  command
    .optionsGroup('Beyond MLflow:')
    .option('--json <text>', 'the input itself, instead of a file')
    .addOption(
      new Option(
        '--output-format <format>',
        "default: by the ending of the output's name, else json, as MLflow writes it",
      ).choices(OUTPUT_FORMATS),
    )
    .addOption(
      new Option('-w, --workers <number>', 'processes that predict chunks side by side')
        .default(1)
        .argParser(readWorkers),
    )
    .option('--stream', 'in chunks, whatever the model: each row is answered by itself')
    .option('--no-stream', 'all of the input at once')
    .option('--resume', 'go on with what was done when an earlier one was stopped', false);
}

async function predict(flags: PredictFlags, outer: Context): Promise<void> {
  const source = chooseSource(flags);
  const contentType = flags.contentType ?? guessType(source);
  const format = flags.outputFormat ?? guessFormat(flags.outputPath);
  const { findTarget } = await import('./predict-output.ts');
  const { CHUNK_BYTES } = await import('../../serving/predict/chunks.ts');
  // With its variables also packages are installed, as in MLflow.
  const context = { ...outer, cwd: outer.cwd, env: { ...outer.env, ...flags.env } };
  const target = await findTarget(flags.outputPath, context);
  checkTogether(flags, { source, contentType, format, target });
  const options: PredictOptions = {
    environment: {
      ...readEnvironmentFlags(flags),
      requirementsOverride: flags.pipRequirementsOverride ?? [],
    },
    workers: flags.workers,
    chunkBytes: CHUNK_BYTES,
    streams: flags.stream,
    resumes: flags.resume,
  };
  const { withHeldFolder } = await import('../../host/held-folder.ts');
  await withHeldFolder('mlts-predict-', context.env, async (folder) => {
    const { bringInput } = await import('./predict-input.ts');
    const { chooseFile, deliver } = await import('./predict-output.ts');
    const model = await fetchLocalModel(flags.modelUri, outer);
    const isResumable = target.kind === 'file' && source.kind === 'place';
    const job: PredictJob = {
      ...(await bringInput(source, contentType, folder, outer)),
      contentType,
      format,
      output: chooseFile(target, folder),
      isResumable,
    };
    const { predictFile } = await import('../../serving/predict/predict-file.ts');
    await withOutput(job, context, () => predictFile(model, job, options, context));
    await deliver(job.output, target, outer);
  });
}

interface Asked {
  readonly source: PredictSource;
  readonly contentType: ContentType;
  readonly format: OutputFormat;
  readonly target: PredictTarget;
}

/** @throws UsageError for options that do not go together. */
function checkTogether(
  { resume, stream }: PredictFlags,
  { source, contentType, format, target }: Asked,
): void {
  if (resume && (target.kind !== 'file' || source.kind !== 'place')) {
    throw new UsageError('--resume needs an input and an output that are files', {
      hint: 'write: mlts models predict -m MODEL -i IN.csv -o OUT.csv --resume',
    });
  }
  if ((stream === true || resume) && contentType === 'json') {
    throw new UsageError('an input of JSON is one whole: it cannot be predicted in chunks', {
      hint: 'write JSON lines (-t jsonl), CSV or Parquet',
    });
  }
  if (format === 'parquet' && target.kind === 'stdout') {
    throw new UsageError('Parquet is written to a file only', { hint: 'name it with -o' });
  }
  if (source.kind === 'text' && contentType !== 'json') {
    throw new UsageError('--json is JSON, whatever --content-type says');
  }
}

function chooseSource({ inputPath, json }: PredictFlags): PredictSource {
  if (json !== undefined && inputPath !== undefined) {
    throw new UsageError('--json and --input-path are both given', { hint: 'choose one of them' });
  }
  if (json !== undefined) return { kind: 'text', text: json };
  if (inputPath === undefined || inputPath === '-') return { kind: 'stdin' };
  return { kind: 'place', uri: inputPath };
}

/** MLflow takes all for JSON that it is not told otherwise. */
function guessType(source: PredictSource): ContentType {
  const name = source.kind === 'place' ? source.uri.replace(/[?#].*$/, '') : '';
  if (/\.csv(\.\w+)?$/i.test(name)) return 'csv';
  if (/\.(jsonl|ndjson)(\.gz)?$/i.test(name)) return 'jsonl';
  return /\.(parquet|pq)$/i.test(name) ? 'parquet' : 'json';
}

function guessFormat(output = ''): OutputFormat {
  if (/\.csv$/i.test(output)) return 'csv';
  if (/\.(jsonl|ndjson)$/i.test(output)) return 'jsonl';
  return /\.(parquet|pq)$/i.test(output) ? 'parquet' : 'json';
}

/** Commas within `x[a,b]` and between versions (`x>1,<2`) divide nothing. */
function splitRequirements(text: string): readonly string[] {
  return text
    .split(/,(?![^[]*\])(?=\s*[A-Za-z])/)
    .map((requirement) => requirement.trim())
    .filter((requirement) => requirement !== '');
}

function addVariable(
  text: string,
  earlier: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('Write it as NAME=VALUE.');
  }
  return { ...earlier, [name]: value };
}

function readWorkers(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= 512) return count;
  throw new InvalidArgumentError('It must be a whole number from 1 to 512.');
}

/** Two that write the same file would spoil what is kept beside it. */
async function withOutput(
  { output, isResumable }: PredictJob,
  { env, interrupts, terminal }: Context,
  work: () => Promise<void>,
): Promise<void> {
  if (!isResumable) return work();
  const { cacheDirectory, withLock } = await import('../../host/files.ts');
  const { createHash } = await import('node:crypto');
  const { join } = await import('node:path');
  const name = createHash('sha256').update(output).digest('hex').slice(0, 32);
  const onWait = () => terminal.note(`another mlts writes ${output}: waiting for it`);
  const path = join(cacheDirectory(env), 'locks', `predict-${name}`);
  await withLock(path, { signal: interrupts.signal, onWait }, work);
}
