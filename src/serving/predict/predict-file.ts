import type { Context } from '../../host/context.ts';
import { withFileBeside } from '../../host/file-beside.ts';
import { describePath } from '../../host/source-tree.ts';
import type { LocalModel } from '../../models/local-model.ts';
import { launchWorker, PREDICTOR, prepareModelEnvironment } from '../model-process.ts';
import { ModelNotLoaded } from '../worker.ts';
import { Unfit } from './answer.ts';
import { Crew } from './crew.ts';
import { predictInChunks } from './in-chunks.ts';
import type { PredictJob, PredictOptions } from './job.ts';

/** Smaller inputs are read whole, as MLflow reads them. */
const STREAMED_FROM_BYTES = 32_000_000;

/** Flavors whose models answer for a row by this row alone. */
const BY_ROW: ReadonlySet<string> = new Set(
  ['sklearn', 'xgboost', 'lightgbm', 'catboost', 'onnx', 'pytorch', 'tensorflow', 'keras'].map(
    (flavor) => `mlflow.${flavor}`,
  ),
);

/**
 * Predicts a file, and writes what `mlflow models predict` would write (`_predict` in
 * `mlflow/pyfunc/scoring_server/__init__.py`). Nothing is seen under the output's name before all of it is there.
 *
 * @throws ModelNotLoaded, PredictionFailed, InvalidInput, Interrupted, and what making an environment throws.
 */
export async function predictFile(
  model: LocalModel,
  job: PredictJob,
  options: PredictOptions,
  context: Context,
): Promise<void> {
  const environment = await prepareModelEnvironment(model, options.environment, context);
  const launch = launchWorker(model, environment, context, PREDICTOR);
  const crew = new Crew(launch, context.interrupts.signal);
  try {
    await load(crew, context);
    await predictWith(crew, model, job, options, context);
  } finally {
    await crew.close();
  }
}

/** As `predictFile`, by processes that have the model loaded already. */
export async function predictWith(
  crew: Crew,
  model: LocalModel,
  job: PredictJob,
  options: Omit<PredictOptions, 'environment'>,
  context: Context,
): Promise<void> {
  const { sizeBytes } = await describePath(job.input);
  if (mayStream(model, job, options, sizeBytes, context)) {
    const isDone = await tryInChunks(model, job, { options, sizeBytes, crew, context });
    if (isDone) return;
  }
  await predictWhole(job, crew, context);
}

/** What the model's own code says of its failure comes before ours. */
async function load(crew: Crew, { terminal }: Context): Promise<void> {
  try {
    await terminal.progress('loading the model', () => crew.start());
  } catch (error) {
    if (error instanceof ModelNotLoaded) terminal.note(error.traceback.trimEnd());
    throw error;
  }
}

/** What pandas unpacks by its ending and `mlts_input.py` does not: all but `.gz`. */
const PACKED = /\.(bz2|xz|zip|zst|tar|tar\.gz)$/i;

function mayStream(
  { file }: LocalModel,
  { contentType, input }: PredictJob,
  { streams }: Pick<PredictOptions, 'streams'>,
  sizeBytes: number,
  { terminal }: Context,
): boolean {
  if (contentType === 'json' || streams === false || PACKED.test(input)) return false;
  if (streams === true) return true;
  if (sizeBytes < STREAMED_FROM_BYTES) return false;
  const loader = file.flavors.get('python_function')?.loader_module;
  if (BY_ROW.has(String(loader))) return true;
  terminal.note(
    'the input is read whole: --stream saves memory where the answer for a row does not depend on other rows',
  );
  return false;
}

interface Chunking {
  readonly options: Omit<PredictOptions, 'environment'>;
  readonly sizeBytes: number;
  readonly crew: Crew;
  readonly context: Context;
}

/** False where the input has to be read whole after all. */
async function tryInChunks(
  model: LocalModel,
  job: PredictJob,
  { options, sizeBytes, crew, context }: Chunking,
): Promise<boolean> {
  const groups = job.contentType === 'parquet' ? await crew.countGroups(job.input) : [];
  const origin = describeOrigin(model, job, options, sizeBytes);
  try {
    await predictInChunks({ job, sizeBytes, groups, origin, options, crew, context });
    return true;
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    context.terminal.note(`the input is read whole, as MLflow does: ${error.message}`);
    return false;
  }
}

/** Whose predictions may be gone on with. */
function describeOrigin(
  { uri, folder, file }: LocalModel,
  { identity, contentType, format }: PredictJob,
  { chunkBytes }: Pick<PredictOptions, 'chunkBytes'>,
  sizeBytes: number,
): Readonly<Record<string, unknown>> {
  const model = file.modelId ?? file.modelUuid ?? file.createdAt ?? null;
  return { uri, folder, model, identity, sizeBytes, chunkBytes, contentType, format };
}

async function predictWhole(
  { input: path, contentType, output, format }: PredictJob,
  crew: Crew,
  { terminal }: Context,
): Promise<void> {
  await withFileBeside(output, async (beside) => {
    const file = { path, contentType, format, output: beside.path };
    await terminal.progress('predicting', () => crew.predictWhole(file));
    await beside.place();
  });
}
