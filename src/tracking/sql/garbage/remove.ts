import type { Transaction } from 'kysely';
import { InvalidInput } from '../../../core/errors.ts';
import type { GarbageTables } from '../../../sql/garbage-tables.ts';
import type { Tables } from '../../../sql/tables.ts';

type GarbageTransaction = Transaction<Tables & GarbageTables>;

/** What refers to a run and keeps its row from going; all else goes with it, by the database's own rules. */
const RUN_TABLES = ['metrics', 'latest_metrics', 'params', 'tags'] as const;

/** Nothing in the database ties these to their experiment (`_hard_delete_experiment`). */
const ROLLUP_TABLES = [
  'sql_trace_rollup_rebuild_queue',
  'sql_trace_metric_daily_rollups',
  'sql_span_cost_daily_rollups',
  'sql_assessment_daily_rollups',
] as const;

/** What holds rows that name the experiment too: PostgreSQL wants these gone before their experiment. */
const EXPERIMENT_TABLES = [
  'runs',
  'logged_models',
  'trace_info',
  'scorers',
  'experiment_tags',
] as const;

/**
 * Removes a deleted run (`mlflow/store/tracking/sqlalchemy_store.py`, `_hard_delete_run`). What says which
 * datasets and models went into it stays, as in MLflow.
 */
export async function removeRun(transaction: GarbageTransaction, runId: string): Promise<void> {
  // A change of nothing that holds the row: nobody restores it from here on.
  const held = await transaction
    .updateTable('runs')
    .set({ lifecycle_stage: 'deleted' })
    .where('run_uuid', '=', runId)
    .where('lifecycle_stage', '=', 'deleted')
    .returning('run_uuid')
    .executeTakeFirst();
  if (held === undefined) {
    const query = transaction.selectFrom('runs').select('run_uuid').where('run_uuid', '=', runId);
    return refuseRestored(await query.executeTakeFirst(), `run ${runId}`);
  }
  for (const table of RUN_TABLES) {
    await transaction.deleteFrom(table).where('run_uuid', '=', runId).execute();
  }
  await transaction.deleteFrom('runs').where('run_uuid', '=', runId).execute();
}

/** Removes a deleted model; its params, tags and metrics go with it. */
export async function removeModel(transaction: GarbageTransaction, modelId: string): Promise<void> {
  const removed = await transaction
    .deleteFrom('logged_models')
    .where('model_id', '=', modelId)
    .where('lifecycle_stage', '=', 'deleted')
    .returning('model_id')
    .executeTakeFirst();
  if (removed !== undefined) return;
  const query = transaction.selectFrom('logged_models').select('model_id');
  const found = await query.where('model_id', '=', modelId).executeTakeFirst();
  refuseRestored(found, `logged model ${modelId}`);
}

/**
 * Removes a deleted experiment with all that is in it: runs, models, traces and what else the database
 * ties to it.
 *
 * @throws InvalidInput where one of its runs is active.
 */
export async function removeExperiment(transaction: GarbageTransaction, id: bigint): Promise<void> {
  const held = await transaction
    .updateTable('experiments')
    .set({ lifecycle_stage: 'deleted' })
    .where('experiment_id', '=', id)
    .where('lifecycle_stage', '=', 'deleted')
    .returning('name')
    .executeTakeFirst();
  if (held === undefined) {
    const query = transaction.selectFrom('experiments').select('name');
    const found = await query.where('experiment_id', '=', id).executeTakeFirst();
    return refuseRestored(found, `experiment ${id}`);
  }
  await refuseActiveRuns(transaction, id);
  const runs = transaction.selectFrom('runs').select('run_uuid').where('experiment_id', '=', id);
  for (const table of RUN_TABLES) {
    await transaction.deleteFrom(table).where('run_uuid', 'in', runs).execute();
  }
  for (const table of [...ROLLUP_TABLES, ...EXPERIMENT_TABLES, 'experiments'] as const) {
    await transaction.deleteFrom(table).where('experiment_id', '=', id).execute();
  }
}

export async function removeJob(transaction: GarbageTransaction, jobId: string): Promise<void> {
  await transaction.deleteFrom('jobs').where('id', '=', jobId).execute();
}

async function refuseActiveRuns(transaction: GarbageTransaction, id: bigint): Promise<void> {
  const active = await transaction
    .selectFrom('runs')
    .select('run_uuid')
    .where('experiment_id', '=', id)
    .where('lifecycle_stage', '=', 'active')
    .executeTakeFirst();
  if (active === undefined) return;
  throw new InvalidInput(`run ${active.run_uuid} of experiment ${id} is active again`);
}

/** Of what could not be held: gone is what we wanted, whoever removed it; active is somebody's again. */
function refuseRestored(found: object | undefined, what: string): void {
  if (found !== undefined) throw new InvalidInput(`${what} has been restored meanwhile`);
}
