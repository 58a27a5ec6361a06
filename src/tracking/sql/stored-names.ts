import type { Context } from '../../host/context.ts';
import { openReadOnlyDatabase, type ReadOnlyRow } from '../../sql/read-only-database.ts';
import { ANSWER_MS, MOST_NAMES, type StoredName, type StoredNames } from '../stored-names.ts';

/** Columns that MLflow's tables have had since 1.0. */
const EXPERIMENTS = `select experiment_id as id, name from experiments
  where lifecycle_stage = 'active' order by experiment_id desc limit ${MOST_NAMES}`;
const RUNS = `select run_uuid as id, name from runs
  where lifecycle_stage = 'active' and substr(run_uuid, 1, length($1)) = $1
  order by start_time desc limit ${MOST_NAMES}`;

export async function openNamesInDatabase(uri: string, context: Context): Promise<StoredNames> {
  const database = await openReadOnlyDatabase(uri, ANSWER_MS, context);
  return {
    listExperiments: async () => (await database.query(EXPERIMENTS)).map(toStoredName),
    listRuns: async (idPrefix) => (await database.query(RUNS, idPrefix)).map(toStoredName),
    close: () => database.close(),
  };
}

function toStoredName({ id, name }: ReadOnlyRow): StoredName {
  return { id: String(id), name: String(name ?? '') };
}
