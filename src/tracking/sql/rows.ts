import type { Kysely, Selectable } from 'kysely';
import type { Experiment, Metric, RunInfo } from '../../core/entities.ts';
import { compileOnce } from '../../sql/compiled-query.ts';
import type { MetricRow, Tables } from '../../sql/tables.ts';
import { runNotFound } from '../lifecycle.ts';

type RunRow = Selectable<Tables['runs']>;
type ExperimentRow = Selectable<Tables['experiments']>;

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
  return row === undefined ? undefined : (await readExperimentTags(database, [row]))[0];
}

/** Adds their tags to experiments. */
export async function readExperimentTags(
  database: Kysely<Tables>,
  rows: readonly ExperimentRow[],
): Promise<readonly Experiment[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ experiment_id: id }) => id);
  const query = database
    .selectFrom('experiment_tags')
    .selectAll()
    .where('experiment_id', 'in', ids);
  const tags = Map.groupBy(await query.execute(), ({ experiment_id: id }) => String(id));
  return rows.map((row) => ({
    id: String(row.experiment_id),
    name: row.name,
    artifactLocation: row.artifact_location ?? '',
    lifecycleStage: row.lifecycle_stage,
    tags: (tags.get(String(row.experiment_id)) ?? []).map(withText),
    creationTimeMs: toTimeMs(row.creation_time),
    lastUpdateTimeMs: toTimeMs(row.last_update_time),
  }));
}

/** @throws NotFound */
export async function readRunInfo(
  database: Kysely<Tables>,
  runId: string,
): Promise<{ readonly row: RunRow; readonly info: RunInfo }> {
  const [row] = await selectRun(database, { runId });
  if (row === undefined) throw runNotFound(runId);
  return { row, info: toRunInfo(row) };
}

const selectRun = compileOnce((database, { runId }: { readonly runId: string }) =>
  database.selectFrom('runs').selectAll().where('run_uuid', '=', runId),
);

export function toRunInfo(row: RunRow): RunInfo {
  return {
    id: row.run_uuid,
    name: row.name ?? '',
    experimentId: String(row.experiment_id),
    userId: row.user_id ?? '',
    status: row.status,
    startTimeMs: toTimeMs(row.start_time),
    endTimeMs: toTimeMs(row.end_time),
    artifactUri: row.artifact_uri ?? '',
    lifecycleStage: row.lifecycle_stage,
  };
}

/** What is past 2^53, as nanoseconds are, comes as a bigint, which is no JSON. */
function toTimeMs(stored: number | null): number | undefined {
  return stored === null ? undefined : Number(stored);
}

export function toMetric({
  key,
  value,
  timestamp,
  step,
  is_nan: isNan,
}: Omit<MetricRow, 'run_uuid'>): Metric {
  return {
    key,
    value: isNan ? Number.NaN : value,
    timestampMs: Number(timestamp),
    step: Number(step),
  };
}

function withText(row: { key: string; value: string | null }): { key: string; value: string } {
  return { key: row.key, value: row.value ?? '' };
}
