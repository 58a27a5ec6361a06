import type { Param, Run, Tag } from '../core/entities.ts';
import { variables } from '../core/environment-variables.ts';
import { NotFound } from '../core/errors.ts';
import { readUserName } from '../host/caller.ts';
import type { Context } from '../host/context.ts';
import { refuseDeleted } from '../tracking/lifecycle.ts';
import type { TrackingStore } from '../tracking/store.ts';
import type { PreparedRun } from './prepare-run.ts';
import type { RunOptions } from './run-options.ts';
import { describeRunProcess } from './run-process.ts';
import { BACKEND_TAG, createRunTags } from './run-tags.ts';

/**
 * Creates the run with its tags and params, or takes the one that `--run-id` names
 * (`mlflow/projects/utils.py`, `get_or_create_run`).
 */
export async function createProjectRun(
  prepared: PreparedRun,
  options: RunOptions,
  experimentId: string,
  store: TrackingStore,
  context: Context,
): Promise<Run> {
  if (options.runId !== undefined) return takeRun(options.runId, options.runName, store);
  const parentRunId = await findParentRun(store, context);
  const tags = describeNewRun(prepared, options, context, parentRunId);
  const run = await store.createRun({
    experimentId,
    userId: readUserName(context.env),
    startTimeMs: context.now(),
    tags: [...tags, ...(await describeRunProcess())],
  });
  await logParameters(prepared.parameters.logged, run, store, context);
  return run;
}

/** The tags that a new run of this project gets. */
export function describeNewRun(
  { source, entryPoint }: PreparedRun,
  { runName }: RunOptions,
  context: Context,
  parentRunId?: string,
): Tag[] {
  const user = readUserName(context.env);
  return createRunTags({ source, entryPoint: entryPoint.name, user, runName, parentRunId });
}

/** It keeps its params and tags, but for what MLflow sets on it too: the backend, and a new name. */
async function takeRun(
  runId: string,
  runName: string | undefined,
  store: TrackingStore,
): Promise<Run> {
  const { info } = await store.getRun(runId);
  refuseDeleted('run', runId, info.lifecycleStage, { instead: 'leave --run-id out' });
  await store.logBatch(runId, { tags: [BACKEND_TAG] });
  if (runName) await store.updateRun(runId, { runName });
  return store.getRun(runId);
}

/** The params are part of the run: where they are refused, it ends FAILED before anything is started. */
async function logParameters(
  params: readonly Param[],
  { info }: Run,
  store: TrackingStore,
  context: Context,
): Promise<void> {
  if (params.length === 0) return;
  try {
    await store.logBatch(info.id, { params });
  } catch (error) {
    await store.updateRun(info.id, { status: 'FAILED', endTimeMs: context.now() });
    throw error;
  }
}

/**
 * The run in whose command we were started, which MLFLOW_RUN_ID names; the new run is nested in it,
 * as `mlflow.run()` nests one in the active run. A stale id is no reason not to run.
 */
async function findParentRun(store: TrackingStore, context: Context): Promise<string | undefined> {
  const parentId = context.env[variables.runId];
  if (parentId === undefined || parentId === '') return undefined;
  try {
    return (await store.getRun(parentId)).info.id;
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    context.terminal.warn(
      `${variables.runId} is ${parentId}, but there is no such run in ${store.uri}: the new run gets no parent`,
    );
    return undefined;
  }
}
