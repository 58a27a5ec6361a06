import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { MltsError } from '../../src/core/errors.ts';
import { readMlmodel } from '../../src/models/mlmodel.ts';
import {
  launchWorker,
  PREDICTOR,
  prepareModelEnvironment,
} from '../../src/serving/model-process.ts';
import { Crew } from '../../src/serving/predict/crew.ts';
import type { PredictJob, PredictOptions } from '../../src/serving/predict/job.ts';
import { predictWith } from '../../src/serving/predict/predict-file.ts';
import { createTestContext } from './context.ts';
import { ensureMlflow, mlflowEnv } from './mlflow.ts';
import { ensureModels, type ModelFolder, SAME_SETS } from './models.ts';

/** An input of predictions, and how it is predicted by us. */
export interface PredictCase {
  readonly model: string;
  readonly input: string | Uint8Array;
  readonly type: PredictJob['contentType'];
}

export interface Predicted {
  /** Undefined where it was refused. */
  readonly output: string | undefined;
  readonly error: MltsError | undefined;
  /** What was said meanwhile. */
  readonly notes: string;
}

export interface TestedPredictor extends AsyncDisposable {
  predict(
    predicted: PredictCase,
    options?: Partial<Omit<PredictOptions, 'environment'>> & Pick<Partial<PredictJob>, 'format'>,
  ): Promise<Predicted>;
}

/** Predicts with the test models in this process, with one Python process for each of them. */
export async function startTestPredictor(place?: ModelFolder): Promise<TestedPredictor> {
  const { python, folder: models } = place ?? (await findTestModels());
  const folder = await mkdtemp(join(tmpdir(), 'mlts-predictions-'));
  const env = { ...process.env, ...SAME_SETS, PATH: `${dirname(python)}:${process.env.PATH}` };
  const crews = new Map<string, Promise<Crew>>();
  const startCrew = async (name: string): Promise<Crew> => {
    const model = await describeModel(join(models, name));
    const context = createTestContext({ env });
    const environment = await prepareModelEnvironment(model, { manager: 'local' }, context);
    const launch = launchWorker(model, environment, context, PREDICTOR);
    const crew = new Crew(launch, context.interrupts.signal);
    await crew.start();
    return crew;
  };
  let count = 0;
  return {
    async predict({ model: name, input: text, type }, { format = 'json', ...options } = {}) {
      const crew = crews.get(name) ?? startCrew(name);
      crews.set(name, crew);
      const model = await describeModel(join(models, name));
      const context = createTestContext({ env });
      count += 1;
      const [input, output] = [join(folder, `${count}.in`), join(folder, `${count}.out`)];
      await writeFile(input, text);
      const job = { input, output, contentType: type, format, identity: input, isResumable: false };
      const how = { workers: 1, streams: true, chunkBytes: 1, resumes: false, ...options };
      const error = await predictWith(await crew, model, job, how, context).catch(keepError);
      const written = error === undefined ? await readFile(output, 'utf8') : undefined;
      return { output: written, error: error ?? undefined, notes: context.said.stderr };
    },
    async [Symbol.asyncDispose]() {
      for (const crew of crews.values()) await (await crew).close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function findTestModels(): Promise<ModelFolder> {
  return { python: (await ensureMlflow()).python, folder: await ensureModels() };
}

async function describeModel(folder: string) {
  return { uri: folder, folder, file: await readMlmodel(folder) };
}

function keepError(error: unknown): MltsError {
  if (error instanceof MltsError) return error;
  throw error;
}

const PREDICT_ALL = resolve(import.meta.dirname, 'predict-models.py');

/** What MLflow's own `_predict` writes for each of them; null where it refuses. */
export async function predictWithMlflow(
  cases: readonly PredictCase[],
  place?: ModelFolder,
): Promise<readonly (string | null)[]> {
  const { python, folder: models } = place ?? (await findTestModels());
  const folder = await mkdtemp(join(tmpdir(), 'mlts-predictions-'));
  const file = join(folder, 'cases.json');
  const asked = cases.map(({ input, ...rest }) => ({
    ...rest,
    input: Buffer.from(input).toString('base64'),
  }));
  await writeFile(file, JSON.stringify(asked));
  try {
    const { stdout } = await execa(python, [PREDICT_ALL, file, models], {
      env: mlflowEnv(SAME_SETS),
      extendEnv: false,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as readonly (string | null)[];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
