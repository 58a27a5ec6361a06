import type { Transaction } from 'kysely';
import { appendToLocation } from '../../core/artifact-location.ts';
import type { Tag } from '../../core/entities.ts';
import type { Tables } from '../../sql/tables.ts';

/** An experiment to be; without a location its artifacts go below the root. */
export interface ExperimentToInsert {
  readonly name: string;
  readonly artifactLocation: string | undefined;
  readonly artifactRoot: string;
  readonly tags: readonly Tag[];
  readonly nowMs: number;
}

/** Returns its id. @throws the driver's error for a name in use. */
export async function insertExperiment(
  transaction: Transaction<Tables>,
  { name, artifactLocation, artifactRoot, tags, nowMs }: ExperimentToInsert,
): Promise<string> {
  const { experiment_id: id } = await transaction
    .insertInto('experiments')
    .values({
      name,
      artifact_location: artifactLocation || null,
      lifecycle_stage: 'active',
      creation_time: nowMs,
      last_update_time: nowMs,
    })
    .returning('experiment_id')
    .executeTakeFirstOrThrow();
  if (!artifactLocation) {
    const artifact_location = appendToLocation(artifactRoot, String(id));
    const update = transaction.updateTable('experiments').set({ artifact_location });
    await update.where('experiment_id', '=', id).execute();
  }
  if (tags.length > 0) {
    const rows = tags.map((tag) => ({ ...tag, experiment_id: id }));
    await transaction.insertInto('experiment_tags').values(rows).execute();
  }
  return String(id);
}

/** Experiment 0, which MLflow expects in each database; one that is there is left as it is. */
export async function insertDefaultExperiment(
  transaction: Transaction<Tables>,
  artifactRoot: string,
  nowMs: number,
): Promise<void> {
  await transaction
    .insertInto('experiments')
    .values({
      experiment_id: 0,
      name: 'Default',
      artifact_location: appendToLocation(artifactRoot, '0'),
      lifecycle_stage: 'active',
      creation_time: nowMs,
      last_update_time: nowMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
