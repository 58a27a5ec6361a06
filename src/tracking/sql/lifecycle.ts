import type { Transaction } from 'kysely';
import type { Experiment, LifecycleStage, Tag } from '../../core/entities.ts';
import type { Tables } from '../../sql/tables.ts';
import {
  experimentNotFound,
  experimentTagNotFound,
  refuseDeleted,
  renameDeleted,
  wrongStage,
} from '../lifecycle.ts';
import { readExperiment, readRunInfo } from './rows.ts';

/** @throws NotFound */
export async function requireExperiment(
  transaction: Transaction<Tables>,
  id: bigint,
): Promise<Experiment> {
  const found = await readExperiment(transaction, { experiment_id: id });
  if (found === undefined) throw experimentNotFound(String(id));
  return found;
}

/**
 * Deletes or restores an experiment and all of its runs, those deleted one by one among them, as
 * `mlflow/store/tracking/sqlalchemy_store.py` does. What was assessed about traces stays.
 */
export async function moveExperiment(
  transaction: Transaction<Tables>,
  id: bigint,
  stage: LifecycleStage,
  nowMs: number,
): Promise<void> {
  const { lifecycleStage } = await requireExperiment(transaction, id);
  if (lifecycleStage === stage) throw wrongStage(String(id), stage);
  await transaction
    .updateTable('experiments')
    .set({ lifecycle_stage: stage, last_update_time: nowMs })
    .where('experiment_id', '=', id)
    .execute();
  await transaction
    .updateTable('runs')
    .set(runStage(stage, nowMs))
    .where('experiment_id', '=', id)
    .execute();
}

/** Deletes or restores one run. @throws NotFound */
export async function moveRun(
  transaction: Transaction<Tables>,
  runId: string,
  stage: LifecycleStage,
  nowMs: number,
): Promise<void> {
  await readRunInfo(transaction, runId);
  await transaction
    .updateTable('runs')
    .set(runStage(stage, nowMs))
    .where('run_uuid', '=', runId)
    .execute();
}

function runStage(stage: LifecycleStage, nowMs: number) {
  return { lifecycle_stage: stage, deleted_time: stage === 'deleted' ? nowMs : null };
}

/** @throws NotFound, MltsError (INVALID_STATE) for a deleted one, the driver's error for a name in use. */
export async function renameExperiment(
  transaction: Transaction<Tables>,
  id: bigint,
  name: string,
  nowMs: number,
): Promise<void> {
  const { lifecycleStage } = await requireExperiment(transaction, id);
  if (lifecycleStage === 'deleted') throw renameDeleted(String(id));
  await transaction
    .updateTable('experiments')
    .set({ name, last_update_time: nowMs })
    .where('experiment_id', '=', id)
    .execute();
}

/** @throws NotFound, InvalidInput for a deleted one. */
export async function setExperimentTag(
  transaction: Transaction<Tables>,
  id: bigint,
  { key, value }: Tag,
): Promise<void> {
  const { lifecycleStage } = await requireExperiment(transaction, id);
  refuseDeleted('experiment', String(id), lifecycleStage);
  await transaction
    .insertInto('experiment_tags')
    .values({ key, value, experiment_id: id })
    .onConflict((conflict) => conflict.columns(['key', 'experiment_id']).doUpdateSet({ value }))
    .execute();
}

/** @throws NotFound, also where it has no such tag; InvalidInput for a deleted one. */
export async function deleteExperimentTag(
  transaction: Transaction<Tables>,
  id: bigint,
  key: string,
): Promise<void> {
  const { lifecycleStage } = await requireExperiment(transaction, id);
  refuseDeleted('experiment', String(id), lifecycleStage);
  const deleted = await transaction
    .deleteFrom('experiment_tags')
    .where('experiment_id', '=', id)
    .where('key', '=', key)
    .returning('key')
    .execute();
  if (deleted.length === 0) throw experimentTagNotFound(String(id), key);
}
