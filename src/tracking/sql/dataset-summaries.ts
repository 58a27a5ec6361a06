import type { Kysely } from 'kysely';
import type { DatasetSummary } from '../../core/entities.ts';
import type { Tables } from '../../sql/tables.ts';
import { MOST_SUMMARIES } from '../dataset-summaries.ts';
import { parseExperimentId } from './experiment-id.ts';

/** `mlflow/store/tracking/sqlalchemy_store.py`, `_search_datasets`. */
export async function summarizeDatasets(
  database: Kysely<Tables>,
  experimentIds: readonly string[],
): Promise<readonly DatasetSummary[]> {
  if (experimentIds.length === 0) return [];
  const rows = await database
    .selectFrom('datasets')
    .innerJoin('inputs', 'inputs.source_id', 'datasets.dataset_uuid')
    .leftJoin('input_tags', (join) =>
      join
        .onRef('input_tags.input_uuid', '=', 'inputs.input_uuid')
        .on('input_tags.name', '=', 'mlflow.data.context'),
    )
    .select(['datasets.experiment_id', 'datasets.name', 'datasets.digest', 'input_tags.value'])
    .distinct()
    .where('datasets.experiment_id', 'in', experimentIds.map(parseExperimentId))
    .limit(MOST_SUMMARIES)
    .execute();
  return rows.map(({ experiment_id: id, name, digest, value }) => ({
    experimentId: String(id),
    name,
    digest,
    context: value ?? undefined,
  }));
}
