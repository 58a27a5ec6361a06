import type { Kysely, Selectable } from 'kysely';
import type { Experiment, Metric, Run, RunInfo } from '../../core/entities.ts';
import { NotFound } from '../../core/errors.ts';
import { RUN_NAME_TAG } from '../run-name.ts';
import type { MetricRow, Tables } from './tables.ts';

type RunRow = Selectable<Tables['runs']>;

/** The experiment with this id or this name, deleted or not. */
export async function readExperiment(
  database: Kysely<Tables>,
  by: { readonly experiment_id: bigint } | { readonly name: string },
): Promise<Experiment | undefined> {
  const query = database.selectFrom('experiments').selectAll().where('workspace', '=', 'default');
  const row = await ('name' in by
    ? query.where('name', '=', by.name)
    : query.where('experiment_id', '=', by.experiment_id)
  ).executeTakeFirst();
  if (row === undefined) return undefined;
  const tags = await database
    .selectFrom('experiment_tags')
    .select(['key', 'value'])
    .where('experiment_id', '=', row.experiment_id)
    .execute();
  return {
    id: String(row.experiment_id),
    name: row.name,
    artifactLocation: row.artifact_location ?? '',
    lifecycleStage: row.lifecycle_stage,
    tags: tags.map(withText),
    creationTimeMs: row.creation_time ?? undefined,
    lastUpdateTimeMs: row.last_update_time ?? undefined,
  };
}

/** @throws NotFound */
export async function readRunInfo(
  database: Kysely<Tables>,
  runId: string,
): Promise<{ readonly row: RunRow; readonly info: RunInfo }> {
  const row = await database
    .selectFrom('runs')
    .selectAll()
    .where('run_uuid', '=', runId)
    .executeTakeFirst();
  if (row === undefined) throw new NotFound(`there is no run with id ${runId}`);
  return { row, info: toRunInfo(row) };
}

/** @throws NotFound */
export async function readRun(database: Kysely<Tables>, runId: string): Promise<Run> {
  const { info } = await readRunInfo(database, runId);
  const ofRun = <T extends 'params' | 'tags'>(table: T) =>
    database
      .selectFrom(table as 'params' | 'tags')
      .select(['key', 'value'])
      .where('run_uuid', '=', runId)
      .orderBy('key')
      .execute();
  const tags = (await ofRun('tags')).map(withText);
  const metrics = await database
    .selectFrom('latest_metrics')
    .selectAll()
    .where('run_uuid', '=', runId)
    .orderBy('key')
    .execute();
  return {
    // Runs of MLflow 1.x have their name in the tag only.
    info: info.name === '' ? { ...info, name: findName(tags) } : info,
    params: (await ofRun('params')).map(withText),
    tags,
    metrics: metrics.map(toMetric),
  };
}

export function toRunInfo(row: RunRow): RunInfo {
  return {
    id: row.run_uuid,
    name: row.name ?? '',
    experimentId: String(row.experiment_id),
    userId: row.user_id ?? '',
    status: row.status,
    startTimeMs: row.start_time ?? undefined,
    endTimeMs: row.end_time ?? undefined,
    artifactUri: row.artifact_uri ?? '',
    lifecycleStage: row.lifecycle_stage,
  };
}

export function toMetric({ key, value, timestamp, step, is_nan: isNan }: MetricRow): Metric {
  return { key, value: isNan ? Number.NaN : value, timestampMs: timestamp, step };
}

function withText(row: { key: string; value: string | null }): { key: string; value: string } {
  return { key: row.key, value: row.value ?? '' };
}

function findName(tags: readonly { key: string; value: string }[]): string {
  return tags.find(({ key }) => key === RUN_NAME_TAG)?.value ?? '';
}
