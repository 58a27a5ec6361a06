import type { Kysely } from 'kysely';
import type { GarbageTables } from '../../../sql/garbage-tables.ts';
import type { Tables } from '../../../sql/tables.ts';
import type { GarbageItem, GarbageSelection, JobSelection } from '../../garbage.ts';
import { parseExperimentId } from '../experiment-id.ts';

export type GarbageDatabase = Kysely<Tables & GarbageTables>;

/** So many ids in one statement: SQLite takes 32,766 values. */
const IDS_PER_QUERY = 1_000;

/** SUCCEEDED, FAILED, TIMEOUT and CANCELED (`mlflow/entities/_job_status.py`). */
const ENDED_JOBS = [2, 3, 4, 5] as const;

/** Runs of experiments in these workspaces. */
export async function listRuns(
  database: GarbageDatabase,
  workspaces: readonly string[],
  selection: GarbageSelection,
): Promise<readonly GarbageItem[]> {
  const query = database
    .selectFrom('runs')
    .innerJoin('experiments', 'experiments.experiment_id', 'runs.experiment_id')
    .select(['runs.run_uuid as id', 'runs.name', 'runs.lifecycle_stage as stage'])
    .select(['runs.experiment_id', 'runs.deleted_time', 'runs.artifact_uri', 'workspace'])
    .where('workspace', 'in', workspaces)
    .orderBy('runs.deleted_time')
    .orderBy('runs.run_uuid');
  const rows = await readSelected(selection, {
    ids: (ids) => query.where('runs.run_uuid', 'in', ids).execute(),
    experiments: (ids) => query.where('runs.experiment_id', 'in', toNumbers(ids)).execute(),
    stage: () => query.where('runs.lifecycle_stage', '=', 'deleted').execute(),
  });
  return rows.map(({ id, name, stage, workspace, ...row }) => ({
    ...{ kind: 'run', id, name: name ?? '', stage, workspace },
    experimentId: String(row.experiment_id),
    deletedAtMs: row.deleted_time ?? undefined,
    artifactUri: row.artifact_uri ?? '',
  }));
}

/** Nothing but the time of the last change says when a model was deleted. */
export async function listModels(
  database: GarbageDatabase,
  workspaces: readonly string[],
  selection: GarbageSelection,
): Promise<readonly GarbageItem[]> {
  const query = database
    .selectFrom('logged_models as model')
    .innerJoin('experiments', 'experiments.experiment_id', 'model.experiment_id')
    .select(['model.model_id as id', 'model.name', 'model.lifecycle_stage as stage', 'workspace'])
    .select(['model.experiment_id', 'last_updated_timestamp_ms', 'model.artifact_location'])
    .where('workspace', 'in', workspaces)
    .orderBy('last_updated_timestamp_ms')
    .orderBy('model.model_id');
  const rows = await readSelected(selection, {
    ids: (ids) => query.where('model.model_id', 'in', ids).execute(),
    experiments: (ids) => query.where('model.experiment_id', 'in', toNumbers(ids)).execute(),
    stage: () => query.where('model.lifecycle_stage', '=', 'deleted').execute(),
  });
  return rows.map(({ id, name, stage, workspace, ...row }) => ({
    ...{ kind: 'logged_model', id, name, stage, workspace },
    experimentId: String(row.experiment_id),
    deletedAtMs: row.last_updated_timestamp_ms,
    artifactUri: row.artifact_location,
  }));
}

/** An experiment has no artifacts but those of its runs and models. */
export async function listExperiments(
  database: GarbageDatabase,
  workspaces: readonly string[],
  selection: GarbageSelection,
): Promise<readonly GarbageItem[]> {
  const query = database
    .selectFrom('experiments')
    .select(['experiment_id', 'name', 'lifecycle_stage as stage', 'last_update_time', 'workspace'])
    .where('workspace', 'in', workspaces)
    .orderBy('last_update_time')
    .orderBy('experiment_id');
  const byIds = (ids: readonly string[]) =>
    query.where('experiment_id', 'in', toNumbers(ids)).execute();
  const rows = await readSelected(selection, {
    ids: byIds,
    experiments: byIds,
    stage: () => query.where('lifecycle_stage', '=', 'deleted').execute(),
  });
  return rows.map(({ experiment_id, name, stage, workspace, last_update_time }) => ({
    ...{ kind: 'experiment', id: String(experiment_id), name, stage, workspace },
    experimentId: String(experiment_id),
    deletedAtMs: last_update_time ?? undefined,
    artifactUri: '',
  }));
}

/** Only jobs that have ended; `workspaces` undefined: of all (`mlflow/store/jobs/sqlalchemy_store.py`, `delete_jobs`). */
export async function listJobs(
  database: GarbageDatabase,
  workspaces: readonly string[] | undefined,
  { ids, madeBeforeMs }: JobSelection,
): Promise<readonly GarbageItem[]> {
  let query = database
    .selectFrom('jobs')
    .select(['id', 'job_name', 'creation_time', 'workspace'])
    .where('status', 'in', ENDED_JOBS)
    .orderBy('creation_time')
    .orderBy('id');
  if (workspaces !== undefined) query = query.where('workspace', 'in', workspaces);
  if (madeBeforeMs !== undefined) query = query.where('creation_time', '<', madeBeforeMs);
  const rows = await readSelected(ids === undefined ? { by: 'stage' } : { by: 'ids', ids }, {
    ids: (some) => query.where('id', 'in', some).execute(),
    experiments: async () => [],
    stage: () => query.execute(),
  });
  return rows.map(({ id, job_name: name, creation_time, workspace }) => ({
    ...{ kind: 'job', id, name, experimentId: '', stage: 'deleted', workspace },
    deletedAtMs: creation_time,
    artifactUri: '',
  }));
}

interface Readers<Row> {
  ids(ids: readonly string[]): Promise<readonly Row[]>;
  experiments(ids: readonly string[]): Promise<readonly Row[]>;
  stage(): Promise<readonly Row[]>;
}

async function readSelected<Row>(
  selection: GarbageSelection,
  readers: Readers<Row>,
): Promise<readonly Row[]> {
  if (selection.by === 'stage') return readers.stage();
  const rows: Row[] = [];
  for (let start = 0; start < selection.ids.length; start += IDS_PER_QUERY) {
    const ids = selection.ids.slice(start, start + IDS_PER_QUERY);
    rows.push(...(await readers[selection.by](ids)));
  }
  return rows;
}

function toNumbers(ids: readonly string[]): readonly bigint[] {
  return ids.map(parseExperimentId);
}
