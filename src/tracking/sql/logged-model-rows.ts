import type { Kysely, Selectable } from 'kysely';
import type { Tag } from '../../core/entities.ts';
import {
  LOGGED_MODEL_STATUSES,
  type LoggedModel,
  type LoggedModelMetric,
} from '../../core/logged-model.ts';
import type { Tables } from '../../sql/tables.ts';
import { loggedModelNotFound } from '../logged-model-limits.ts';
import { partition } from './run-data.ts';

type ModelRow = Selectable<Tables['logged_models']>;
type MetricRow = Selectable<Tables['logged_model_metrics']>;

/** @throws NotFound, also for a deleted one unless `findsDeleted`. */
export async function readLoggedModel(
  database: Kysely<Tables>,
  modelId: string,
  { findsDeleted = false }: { readonly findsDeleted?: boolean } = {},
): Promise<LoggedModel> {
  const row = await findModelRow(database, modelId);
  const isHidden = row?.lifecycle_stage === 'deleted' && !findsDeleted;
  const [model] = row === undefined || isHidden ? [] : await completeLoggedModels(database, [row]);
  if (model === undefined) throw loggedModelNotFound(modelId);
  return model;
}

/** @throws NotFound; a deleted one is found. */
export async function requireModelRow(
  database: Kysely<Tables>,
  modelId: string,
): Promise<ModelRow> {
  const row = await findModelRow(database, modelId);
  if (row === undefined) throw loggedModelNotFound(modelId);
  return row;
}

function findModelRow(database: Kysely<Tables>, modelId: string): Promise<ModelRow | undefined> {
  const query = database.selectFrom('logged_models').selectAll();
  return query.where('model_id', '=', modelId).executeTakeFirst();
}

/** Adds tags, params and metrics to models: three queries for a thousand of them. */
export async function completeLoggedModels(
  database: Kysely<Tables>,
  rows: readonly ModelRow[],
): Promise<readonly LoggedModel[]> {
  const models: LoggedModel[] = [];
  for (const part of partition(rows)) {
    const ids = part.map(({ model_id: id }) => id);
    const [tags, params, metrics] = [
      await readTags(database, ids),
      await readParams(database, ids),
      await readMetrics(database, ids),
    ];
    const toComplete = (row: ModelRow): LoggedModel => ({
      ...toLoggedModel(row),
      tags: tags.get(row.model_id) ?? [],
      params: params.get(row.model_id) ?? [],
      metrics: metrics.get(row.model_id) ?? [],
    });
    models.push(...part.map(toComplete));
  }
  return models;
}

function toLoggedModel(row: ModelRow): Omit<LoggedModel, 'tags' | 'params' | 'metrics'> {
  return {
    id: row.model_id,
    name: row.name,
    experimentId: String(row.experiment_id),
    artifactUri: row.artifact_location,
    status: LOGGED_MODEL_STATUSES[row.status] ?? 'UNSPECIFIED',
    statusMessage: row.status_message || undefined,
    // Servers write an empty text for what was not given.
    modelType: row.model_type || undefined,
    sourceRunId: row.source_run_id || undefined,
    creationTimeMs: row.creation_timestamp_ms,
    lastUpdateTimeMs: row.last_updated_timestamp_ms,
  };
}

type Grouped<Value> = ReadonlyMap<string, readonly Value[]>;

async function readTags(database: Kysely<Tables>, ids: readonly string[]): Promise<Grouped<Tag>> {
  const rows = await database
    .selectFrom('logged_model_tags')
    .select(['model_id as id', 'tag_key as key', 'tag_value as value'])
    .where('model_id', 'in', ids)
    .orderBy('tag_key')
    .execute();
  return group(rows, ({ key, value }) => ({ key, value }));
}

async function readParams(database: Kysely<Tables>, ids: readonly string[]): Promise<Grouped<Tag>> {
  const rows = await database
    .selectFrom('logged_model_params')
    .select(['model_id as id', 'param_key as key', 'param_value as value'])
    .where('model_id', 'in', ids)
    .orderBy('param_key')
    .execute();
  return group(rows, ({ key, value }) => ({ key, value }));
}

/** All values, in a fixed order. */
async function readMetrics(
  database: Kysely<Tables>,
  ids: readonly string[],
): Promise<Grouped<LoggedModelMetric>> {
  const rows = await database
    .selectFrom('logged_model_metrics')
    .selectAll()
    .where('model_id', 'in', ids)
    .orderBy('metric_name')
    .orderBy('metric_timestamp_ms')
    .orderBy('metric_step')
    .orderBy('run_id')
    .execute();
  return group(
    rows.map((row) => ({ ...row, id: row.model_id })),
    toModelMetric,
  );
}

function toModelMetric(row: MetricRow): LoggedModelMetric {
  const { dataset_name: name, dataset_digest: digest } = row;
  return {
    key: row.metric_name,
    value: row.metric_value ?? 0,
    timestampMs: Number(row.metric_timestamp_ms),
    step: Number(row.metric_step),
    modelId: row.model_id,
    runId: row.run_id,
    dataset: name === null ? undefined : { name, digest: digest ?? '' },
  };
}

function group<Row extends { readonly id: string }, Value>(
  rows: readonly Row[],
  toValue: (row: Row) => Value,
): Grouped<Value> {
  const groups = Map.groupBy(rows, ({ id }) => id);
  return new Map([...groups].map(([id, ofModel]) => [id, ofModel.map(toValue)]));
}
