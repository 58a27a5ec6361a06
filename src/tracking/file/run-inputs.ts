import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Dataset, DatasetInput, ModelOutput, RunInputs } from '../../core/entities.ts';
import { kindOf } from '../../host/files.ts';
import { makeFolder } from '../../host/folders.ts';
import { META_FILE, type Meta, writeMeta } from '../../host/meta-file.ts';

/**
 * Adds inputs to a run's folder, and their datasets to the experiment's
 * (`mlflow/store/tracking/file_store.py`, `log_inputs`). What is there already stays as it is.
 */
export async function writeInputs(
  runFolder: string,
  experimentFolder: string,
  runId: string,
  { datasetInputs, modelInputs }: RunInputs,
): Promise<void> {
  for (const input of datasetInputs) {
    await writeDatasetInput(runFolder, experimentFolder, runId, input);
  }
  for (const modelId of modelInputs) {
    const folder = join(runFolder, 'inputs', hash(modelId, runId));
    await writeNewMeta(folder, describeLink('MODEL', 'RUN', modelId));
  }
}

/** `log_outputs` of the same file. */
export async function writeOutputs(
  runFolder: string,
  models: readonly ModelOutput[],
): Promise<void> {
  for (const { modelId, step } of models) {
    const meta = { ...describeLink('RUN_OUTPUT', 'MODEL_OUTPUT', modelId), step };
    await writeNewMeta(join(runFolder, 'outputs', modelId), meta);
  }
}

async function writeDatasetInput(
  runFolder: string,
  experimentFolder: string,
  runId: string,
  { dataset, tags }: DatasetInput,
): Promise<void> {
  const datasetId = hash(dataset.name, dataset.digest);
  await writeNewMeta(join(experimentFolder, 'datasets', datasetId), toDatasetMeta(dataset));
  const link = describeLink('DATASET', 'RUN', datasetId);
  await writeNewMeta(join(runFolder, 'inputs', hash(datasetId, runId)), {
    ...link,
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
  });
}

/** Both ends have the same id: MLflow writes it so, and reads either. */
function describeLink(sourceType: string, destinationType: string, id: string): Meta {
  return {
    source_type: sourceType,
    source_id: id,
    destination_type: destinationType,
    destination_id: id,
    tags: {},
  };
}

function toDatasetMeta({ sourceType, schema, profile, ...dataset }: Dataset): Meta {
  return {
    ...dataset,
    source_type: sourceType,
    schema: schema ?? null,
    profile: profile ?? null,
  };
}

async function writeNewMeta(folder: string, meta: Meta): Promise<void> {
  if ((await kindOf(join(folder, META_FILE))) !== undefined) return;
  await makeFolder(folder);
  await writeMeta(folder, meta);
}

/** MLflow names these folders so. */
function hash(...parts: readonly string[]): string {
  return createHash('md5').update(parts.join('')).digest('hex');
}
