import type { Kysely } from 'kysely';
import type { DatasetInput, ModelOutput, RunLinks } from '../../core/entities.ts';
import type { Tables } from '../../sql/tables.ts';
import { readRunInfo } from './rows.ts';

/** @throws NotFound (`mlflow/store/tracking/sqlalchemy_store.py`, `_get_run_inputs` and its like). */
export async function readRunLinks(database: Kysely<Tables>, runId: string): Promise<RunLinks> {
  await readRunInfo(database, runId);
  const outputs = await readModels(database, runId, 'RUN_OUTPUT', 'MODEL_OUTPUT');
  const inputs = await readModels(database, runId, 'RUN_INPUT', 'MODEL_INPUT');
  return {
    datasetInputs: await readDatasetInputs(database, runId),
    modelInputs: inputs.map(({ modelId }) => modelId),
    modelOutputs: outputs,
  };
}

async function readModels(
  database: Kysely<Tables>,
  runId: string,
  sourceType: string,
  destinationType: string,
): Promise<readonly ModelOutput[]> {
  return database
    .selectFrom('inputs')
    .select(['destination_id as modelId', 'step'])
    .where('source_type', '=', sourceType)
    .where('source_id', '=', runId)
    .where('destination_type', '=', destinationType)
    .execute();
}

async function readDatasetInputs(
  database: Kysely<Tables>,
  runId: string,
): Promise<readonly DatasetInput[]> {
  const rows = await database
    .selectFrom('inputs')
    .innerJoin('datasets', 'datasets.dataset_uuid', 'inputs.source_id')
    .selectAll('datasets')
    .select('inputs.input_uuid')
    .where('inputs.destination_type', '=', 'RUN')
    .where('inputs.destination_id', '=', runId)
    .execute();
  return Promise.all(
    rows.map(async (row) => ({
      dataset: {
        name: row.name,
        digest: row.digest,
        sourceType: row.dataset_source_type,
        source: row.dataset_source,
        schema: row.dataset_schema ?? undefined,
        profile: row.dataset_profile ?? undefined,
      },
      tags: await readInputTags(database, row.input_uuid),
    })),
  );
}

async function readInputTags(database: Kysely<Tables>, inputId: string) {
  return database
    .selectFrom('input_tags')
    .select(['name as key', 'value'])
    .where('input_uuid', '=', inputId)
    .execute();
}
