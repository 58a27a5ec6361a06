import { basename, dirname, join } from 'node:path';
import {
  LOGGED_MODEL_STATUSES,
  type LoggedModel,
  type LoggedModelMetric,
} from '../../core/logged-model.ts';
import { appendText } from '../../host/file-tree.ts';
import { type Meta, readMeta, readText, readTimeMs } from '../../host/meta-file.ts';
import { isLater } from '../latest-metric.ts';
import { readStage } from './meta.ts';
import { formatMetric, parseFields } from './metric-line.ts';
import { readValues } from './run-folder.ts';

/** Below an experiment's folder: one folder for each model that its runs have logged. */
export const MODELS_FOLDER = 'models';

/** A model's folder, with its meta.yaml as it is. */
export interface ModelFolder {
  readonly folder: string;
  readonly meta: Meta;
}

/** Undefined for what is no model of this experiment: a folder holds any files. */
export async function readModelMeta(folder: string): Promise<ModelFolder | undefined> {
  const meta = await readMeta(folder);
  if (meta === undefined) return undefined;
  const isHere =
    readText(meta, 'model_id') === basename(folder) &&
    readText(meta, 'experiment_id') === basename(dirname(dirname(folder)));
  return isHere ? { folder, meta } : undefined;
}

export function isDeletedModel({ meta }: ModelFolder): boolean {
  return readStage(meta) === 'deleted';
}

/** `mlflow/store/tracking/file_store.py`, `_get_model_info_from_dir`. */
export async function readModelFolder({ folder, meta }: ModelFolder): Promise<LoggedModel> {
  const id = readText(meta, 'model_id');
  const optional = (key: string): string | undefined => readText(meta, key) || undefined;
  return {
    id,
    name: readText(meta, 'name'),
    experimentId: readText(meta, 'experiment_id'),
    artifactUri: readText(meta, 'artifact_location'),
    status: LOGGED_MODEL_STATUSES[Number(readText(meta, 'status'))] ?? 'UNSPECIFIED',
    statusMessage: optional('status_message'),
    modelType: optional('model_type'),
    sourceRunId: optional('source_run_id'),
    creationTimeMs: readTimeMs(meta, 'creation_timestamp') ?? 0,
    lastUpdateTimeMs: readTimeMs(meta, 'last_updated_timestamp') ?? 0,
    tags: await readValues(join(folder, 'tags')),
    params: await readValues(join(folder, 'params')),
    metrics: await readMetrics(folder, id),
  };
}

/** Of each metric the latest value on each dataset, in the order in which the datasets came up. */
async function readMetrics(folder: string, modelId: string): Promise<readonly LoggedModelMetric[]> {
  const texts = await readValues(join(folder, 'metrics'));
  return texts.flatMap(({ key, value: text }) => {
    const metrics = text.split('\n').flatMap((line) => parseLine(line, key, modelId) ?? []);
    const groups = Map.groupBy(metrics, ({ dataset }) => JSON.stringify(dataset));
    return [...groups.values()].map((group) => group.reduce((a, b) => (isLater(b, a) ? b : a)));
  });
}

/** Four fields, or six with a dataset; broken lines are passed over. */
function parseLine(line: string, key: string, modelId: string): LoggedModelMetric | undefined {
  const fields = line.trim().split(' ');
  const [, , , runId, name, digest] = fields;
  if (runId === undefined) return undefined;
  return {
    ...parseFields(fields),
    key,
    modelId,
    runId,
    dataset: name === undefined || digest === undefined ? undefined : { name, digest },
  };
}

/** One write for each key, so that the lines of two processes do not mix. */
export async function appendModelMetrics(
  folder: string,
  metrics: readonly LoggedModelMetric[],
): Promise<void> {
  for (const [key, ofKey] of Map.groupBy(metrics, (metric) => metric.key)) {
    const lines = ofKey.map((metric) => formatMetric(metric, metric.runId));
    await appendText(join(folder, 'metrics', key), lines.join(''));
  }
}
