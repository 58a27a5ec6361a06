import { pMapIterable } from 'p-map';
import type { Context } from '../../host/context.ts';
import { withFileBeside } from '../../host/file-beside.ts';
import { type Columns, PredictionFailed, Unfit } from './answer.ts';
import { type Chunk, readChunks } from './chunks.ts';
import type { Crew } from './crew.ts';
import type { PredictJob, PredictOptions } from './job.ts';
import { type Origin, PartialOutput } from './partial-output.ts';

export interface ChunkedJob {
  readonly job: PredictJob;
  readonly sizeBytes: number;
  readonly groups: readonly number[];
  readonly origin: Origin;
  readonly options: Omit<PredictOptions, 'environment'>;
  readonly crew: Crew;
  readonly context: Context;
}

/**
 * Predicts the input chunk by chunk, with memory for a few of them, and writes what the whole of it would give.
 * What is done is kept beside the output when we are stopped, where that was asked for.
 *
 * @throws Unfit where the whole of the input would give something else; PredictionFailed; InvalidInput.
 */
export async function predictInChunks(chunked: ChunkedJob): Promise<void> {
  const { job, origin, options } = chunked;
  const { output, format } = job;
  const resumed = options.resumes ? await PartialOutput.resume(output, format, origin) : undefined;
  if (resumed !== undefined) tellResumed(resumed, chunked);
  let partial = resumed ?? (await PartialOutput.start(output, format, origin, undefined));
  try {
    try {
      await predictAll(partial, chunked);
    } catch (error) {
      const columns = await findColumns(error, partial, chunked);
      await partial.close();
      partial = await PartialOutput.start(output, format, origin, columns);
      await predictAll(partial, chunked);
    }
  } catch (error) {
    await leave(partial, error, chunked);
    throw error;
  }
}

/**
 * The types that the columns have in all of the input: they may be why a chunk fails by itself, or is no part of
 * what was done before it.
 *
 * @throws the error where they are not, or Unfit where the columns have no types that fit all chunks.
 */
async function findColumns(
  error: unknown,
  { agreed }: PartialOutput,
  chunked: ChunkedJob,
): Promise<Columns> {
  const isUnfit = error instanceof Unfit && error.kind === 'types';
  const isFailure = error instanceof PredictionFailed;
  if (!isUnfit && !isFailure) throw error;
  const columns = await scan(chunked);
  if (isFailure && JSON.stringify(columns) === JSON.stringify(agreed?.columns)) throw error;
  return columns;
}

async function scan({
  job,
  sizeBytes,
  groups,
  options,
  crew,
  context,
}: ChunkedJob): Promise<Columns> {
  const text = 'reading the types of all columns';
  return context.terminal.progress(text, async (update) => {
    let columns: Columns = null;
    for await (const chunk of readChunks({ ...job, ...options, sizeBytes, groups })) {
      columns = await crew.scanChunk(chunk, columns);
      update(`${text}${showShare(chunk)}`);
    }
    return columns;
  });
}

async function predictAll(partial: PartialOutput, chunked: ChunkedJob): Promise<void> {
  const { job, crew, context } = chunked;
  await context.terminal.progress('predicting', (update) => predictRest(partial, chunked, update));
  // What a model says to that is its own.
  if (partial.rows === 0) throw new Unfit('whole', 'it has no rows');
  if (job.format !== 'parquet') return partial.place();
  await withFileBeside(job.output, async ({ path, place }) => {
    await crew.assemble(partial.path, partial.sizes, path);
    await place();
  });
  await partial.discard();
}

/** What is done stays only where somebody may go on with it. */
async function leave(
  partial: PartialOutput,
  error: unknown,
  { job, context }: ChunkedJob,
): Promise<void> {
  if (!job.isResumable || partial.chunks === 0 || error instanceof Unfit) return partial.discard();
  await partial.close();
  const count = partial.rows.toLocaleString('en');
  context.terminal.note(
    `${count} rows are predicted and kept in ${partial.path}: go on with --resume`,
  );
}

async function predictRest(
  partial: PartialOutput,
  { job, sizeBytes, groups, options, crew }: ChunkedJob,
  update: (text: string) => void,
): Promise<void> {
  const chunks = readChunks({ ...job, ...options, sizeBytes, groups });
  const done = partial.chunks;
  const predict = async (chunk: Chunk) => {
    if (chunk.index < done) return undefined;
    try {
      return { chunk, answer: await crew.predictChunk(chunk, job.format, partial.agreed) };
    } catch (error) {
      throw error instanceof PredictionFailed ? error.locate(chunk.place) : error;
    }
  };
  const take = async (predicted: Awaited<ReturnType<typeof predict>>): Promise<void> => {
    if (predicted === undefined) return;
    await partial.append(predicted.answer);
    update(`predicting: ${partial.rows.toLocaleString('en')} rows${showShare(predicted.chunk)}`);
  };
  // Until a chunk with rows has said what they all must have in common, they come one by one.
  while (partial.agreed === undefined || partial.agreed.output === null) {
    const { value, done: isEnd } = await chunks.next();
    if (isEnd === true) return;
    await take(await predict(value));
  }
  const { workers: concurrency } = options;
  for await (const predicted of pMapIterable(chunks, predict, { concurrency })) {
    await take(predicted);
  }
}

function showShare({ share }: Chunk): string {
  return share === undefined ? '' : ` (${Math.floor(share * 100)} %)`;
}

function tellResumed({ rows }: PartialOutput, { context }: ChunkedJob): void {
  context.terminal.note(`going on behind ${rows.toLocaleString('en')} rows that are done`);
}
