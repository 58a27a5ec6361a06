import type { Transaction } from 'kysely';
import type { Metric } from '../../core/entities.ts';
import type { Tables } from '../../sql/tables.ts';
import { loggedModelNotFound } from '../logged-model-limits.ts';
import { toStoredValue } from './metrics.ts';
import { partition } from './run-data.ts';

type ModelMetric = Metric & { readonly modelId: string };

/**
 * Keeps the metrics that name a logged model with that model too (`_log_model_metrics` in
 * `mlflow/store/tracking/sqlalchemy_store.py`). Of one step and time the last value counts; NaN is kept as 0.
 *
 * @throws NotFound where there is no such model.
 */
export async function logModelMetrics(
  transaction: Transaction<Tables>,
  run: { readonly id: string; readonly experimentId: string },
  metrics: readonly Metric[],
): Promise<void> {
  const ofModels = metrics.filter((metric): metric is ModelMetric => metric.modelId !== undefined);
  if (ofModels.length === 0) return;
  await requireModels(transaction, [...new Set(ofModels.map(({ modelId }) => modelId))]);
  const rows = ofModels.map((metric) => toRow(metric, run.id, BigInt(run.experimentId)));
  const last = new Map(rows.map((row) => [keyOf(row), row]));
  for (const part of partition([...last.values()])) {
    await transaction
      .insertInto('logged_model_metrics')
      .values(part)
      .onConflict((conflict) =>
        conflict
          .columns(['model_id', 'metric_name', 'metric_timestamp_ms', 'metric_step', 'run_id'])
          .doUpdateSet(({ ref }) => ({
            metric_value: ref('excluded.metric_value'),
            dataset_name: ref('excluded.dataset_name'),
            dataset_digest: ref('excluded.dataset_digest'),
          })),
      )
      .execute();
  }
}

async function requireModels(
  transaction: Transaction<Tables>,
  modelIds: readonly string[],
): Promise<void> {
  const found = await transaction
    .selectFrom('logged_models')
    .select('model_id')
    .where('model_id', 'in', modelIds)
    .execute();
  const known = new Set(found.map(({ model_id: id }) => id));
  const unknown = modelIds.find((id) => !known.has(id));
  if (unknown !== undefined) throw loggedModelNotFound(unknown);
}

type Row = Tables['logged_model_metrics'];

function toRow(metric: ModelMetric, runId: string, experimentId: bigint): Row {
  const { key, value, timestampMs, step, modelId, dataset } = metric;
  return {
    model_id: modelId,
    metric_name: key,
    metric_timestamp_ms: timestampMs,
    metric_step: step,
    metric_value: toStoredValue(value),
    experiment_id: experimentId,
    run_id: runId,
    dataset_name: dataset?.name ?? null,
    dataset_digest: dataset?.digest ?? null,
  };
}

function keyOf(row: Row): string {
  return JSON.stringify([row.model_id, row.metric_name, row.metric_timestamp_ms, row.metric_step]);
}
