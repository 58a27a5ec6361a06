import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { appendToLocation } from '../../core/artifact-location.ts';
import type { Run, RunInfo, Tag } from '../../core/entities.ts';
import { compileOnce } from '../../sql/compiled-query.ts';
import type { Tables } from '../../sql/tables.ts';
import { experimentNotFound, refuseDeleted } from '../lifecycle.ts';
import { parseExperimentId } from './experiment-id.ts';
import { setTags } from './run-data.ts';

/** A run to be; among its tags is its name. */
export interface NamedRun {
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly startTimeMs: number;
  readonly tags: readonly Tag[];
}

/**
 * Adds a run, and returns it as it would be read.
 *
 * @throws NotFound where there is no such experiment, InvalidInput for a deleted one.
 */
export async function insertRun(transaction: Transaction<Tables>, run: NamedRun): Promise<Run> {
  const experimentId = parseExperimentId(run.experimentId);
  const [experiment] = await selectExperiment(transaction, { experimentId });
  if (experiment === undefined) throw experimentNotFound(run.experimentId);
  refuseDeleted('experiment', run.experimentId, experiment.lifecycle_stage);
  const id = randomUUID().replaceAll('-', '');
  const info: RunInfo = {
    id,
    name: run.name,
    experimentId: String(experimentId),
    userId: run.userId,
    status: 'RUNNING',
    startTimeMs: run.startTimeMs,
    endTimeMs: undefined,
    artifactUri: appendToLocation(experiment.artifact_location ?? '', id, 'artifacts'),
    lifecycleStage: 'active',
  };
  await insertInfo(transaction, { ...info, experimentId });
  await setTags(transaction, id, run.tags);
  return { info, params: [], tags: sortTags(run.tags), metrics: [] };
}

const selectExperiment = compileOnce(
  (database, { experimentId }: { readonly experimentId: bigint }) =>
    database
      .selectFrom('experiments')
      .select(['artifact_location', 'lifecycle_stage'])
      .where('workspace', '=', 'default')
      .where('experiment_id', '=', experimentId),
);

type RunToInsert = Omit<RunInfo, 'experimentId'> & { readonly experimentId: bigint };

const insertInfo = compileOnce((database, run: RunToInsert) =>
  database.insertInto('runs').values({
    run_uuid: run.id,
    name: run.name,
    experiment_id: run.experimentId,
    artifact_uri: run.artifactUri,
    user_id: run.userId,
    status: run.status,
    start_time: run.startTimeMs ?? null,
    lifecycle_stage: run.lifecycleStage,
    ...LEGACY_COLUMNS,
  }),
);

/** What MLflow 1.x kept in columns and 3.x in tags; it writes these since. */
const LEGACY_COLUMNS = {
  source_type: 'UNKNOWN',
  source_name: '',
  entry_point_name: '',
  source_version: '',
} as const;

/** Of a tag that comes twice the last one counts. */
function sortTags(tags: readonly Tag[]): readonly Tag[] {
  const last = new Map(tags.map((tag) => [tag.key, tag]));
  return [...last.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}
