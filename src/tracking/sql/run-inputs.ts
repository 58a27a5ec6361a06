import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import type { DatasetInput, ModelOutput, RunInfo, RunInputs } from '../../core/entities.ts';
import type { Tables } from '../../sql/tables.ts';
import { partition } from './run-data.ts';

/**
 * Adds datasets, each with the tags that say what it was used for, and models as inputs of a run
 * (`mlflow/store/tracking/sqlalchemy_store.py`, `log_inputs`). What is one already keeps its tags.
 */
export async function insertInputs(
  transaction: Transaction<Tables>,
  run: RunInfo,
  { datasetInputs, modelInputs }: RunInputs,
): Promise<void> {
  for (const input of datasetInputs) {
    const datasetId = await ensureDataset(transaction, BigInt(run.experimentId), input);
    await insertDatasetInput(transaction, run.id, datasetId, input.tags);
  }
  const rows = modelInputs.map((modelId) => ({
    input_uuid: makeId(),
    source_type: 'RUN_INPUT',
    source_id: run.id,
    destination_type: 'MODEL_INPUT',
    destination_id: modelId,
  }));
  await insertNew(transaction, rows);
}

/** `log_outputs` of the same file. */
export async function insertOutputs(
  transaction: Transaction<Tables>,
  runId: string,
  models: readonly ModelOutput[],
): Promise<void> {
  const rows = models.map(({ modelId, step }) => ({
    input_uuid: makeId(),
    source_type: 'RUN_OUTPUT',
    source_id: runId,
    destination_type: 'MODEL_OUTPUT',
    destination_id: modelId,
    step,
  }));
  await insertNew(transaction, rows);
}

type InputRow = Omit<Tables['inputs'], 'step'> & { readonly step?: number };

async function insertNew(
  transaction: Transaction<Tables>,
  rows: readonly InputRow[],
): Promise<void> {
  for (const part of partition(rows)) {
    const insert = transaction.insertInto('inputs').values(part);
    await insert.onConflict((conflict) => conflict.doNothing()).execute();
  }
}

/** The id of the dataset of this name and digest in the experiment; two writers at once get the same. */
async function ensureDataset(
  transaction: Transaction<Tables>,
  experimentId: bigint,
  { dataset }: DatasetInput,
): Promise<string> {
  await transaction
    .insertInto('datasets')
    .values({
      dataset_uuid: makeId(),
      experiment_id: experimentId,
      name: dataset.name,
      digest: dataset.digest,
      dataset_source_type: dataset.sourceType,
      dataset_source: dataset.source,
      dataset_schema: dataset.schema ?? null,
      dataset_profile: dataset.profile ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { dataset_uuid: id } = await transaction
    .selectFrom('datasets')
    .select('dataset_uuid')
    .where('experiment_id', '=', experimentId)
    .where('name', '=', dataset.name)
    .where('digest', '=', dataset.digest)
    .executeTakeFirstOrThrow();
  return id;
}

async function insertDatasetInput(
  transaction: Transaction<Tables>,
  runId: string,
  datasetId: string,
  tags: DatasetInput['tags'],
): Promise<void> {
  const inserted = await transaction
    .insertInto('inputs')
    .values({
      input_uuid: makeId(),
      source_type: 'DATASET',
      source_id: datasetId,
      destination_type: 'RUN',
      destination_id: runId,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('input_uuid')
    .executeTakeFirst();
  const last = new Map(tags.map(({ key, value }) => [key, value]));
  if (inserted === undefined || last.size === 0) return;
  const rows = [...last].map(([name, value]) => ({ ...inserted, name, value }));
  await transaction.insertInto('input_tags').values(rows).execute();
}

function makeId(): string {
  return randomUUID().replaceAll('-', '');
}
