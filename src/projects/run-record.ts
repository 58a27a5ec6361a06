import type { RunInfo, RunStatus, Tag } from '../core/entities.ts';
import { InvalidInput } from '../core/errors.ts';
import { readUserName } from '../host/caller.ts';
import type { Context } from '../host/context.ts';
import { refuseDeleted } from '../tracking/lifecycle.ts';
import { openTrackingStore, resolveTrackingUri } from '../tracking/open.ts';
import { RUN_NAME_TAG } from '../tracking/run-name.ts';
import type { TrackingStore } from '../tracking/store.ts';
import { resolveExperiment } from './experiment.ts';

export type FinalStatus = Extract<RunStatus, 'FINISHED' | 'FAILED' | 'KILLED'>;

/** A run that is over, to be written down. */
export interface RunRecord {
  /** One of them is there. */
  readonly experiment: { readonly id: string | undefined; readonly name: string | undefined };
  readonly runName: string | undefined;
  readonly description: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  readonly status: FinalStatus;
  readonly parentRunId: string | undefined;
}

/** MLflow's description of a run, which its user interface shows (`mlflow/utils/mlflow_tags.py`). */
const DESCRIPTION_TAG = 'mlflow.note.content';

/**
 * Creates a run and ends it at once (`mlflow/runs.py`, `create_run`; tags as `mlflow.start_run` sets
 * them). An experiment that is asked for by name is created where it is missing.
 *
 * @throws NotFound for an experiment or parent that is not there, InvalidInput for a deleted one and
 * for two descriptions.
 */
export async function recordRun(record: RunRecord, context: Context): Promise<RunInfo> {
  const userId = readUserName(context.env);
  const tags = describeRecord(record, userId);
  const store = await openTrackingStore(await resolveTrackingUri(context), context);
  try {
    if (record.parentRunId !== undefined) await checkParent(record.parentRunId, store);
    const { id: experimentId } = await resolveExperiment(record.experiment, store, context);
    const startTimeMs = context.now();
    const { info } = await store.createRun({ experimentId, userId, startTimeMs, tags });
    return await store.updateRun(info.id, { status: record.status, endTimeMs: context.now() });
  } finally {
    await store.close();
  }
}

async function checkParent(parentRunId: string, store: TrackingStore): Promise<void> {
  const { info } = await store.getRun(parentRunId);
  refuseDeleted('run', parentRunId, info.lifecycleStage);
}

/** What is given as a tag comes before what we know; what has an option of its own before that. */
function describeRecord(record: RunRecord, userId: string): readonly Tag[] {
  const { description, parentRunId, runName } = record;
  if (description && record.tags.has(DESCRIPTION_TAG)) {
    throw new InvalidInput(
      `there are two descriptions: --description and the tag ${DESCRIPTION_TAG}`,
    );
  }
  const tags: Readonly<Record<string, string | undefined>> = {
    'mlflow.user': userId,
    'mlflow.source.name': 'mlts',
    'mlflow.source.type': 'LOCAL',
    ...Object.fromEntries(record.tags),
    ...(description ? { [DESCRIPTION_TAG]: description } : {}),
    ...(parentRunId ? { 'mlflow.parentRunId': parentRunId } : {}),
    ...(runName ? { [RUN_NAME_TAG]: runName } : {}),
  };
  return Object.entries(tags).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value }],
  );
}
