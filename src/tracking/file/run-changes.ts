import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { appendToLocation } from '../../core/artifact-location.ts';
import type { Experiment, RunInfo } from '../../core/entities.ts';
import { kindOf } from '../../host/files.ts';
import { makeFolder } from '../../host/folders.ts';
import { type Meta, readMeta, writeMeta } from '../../host/meta-file.ts';
import { refuseDeleted, runNotFound } from '../lifecycle.ts';
import { checkRunId } from '../limits.ts';
import { nameRun, RUN_NAME_TAG } from '../run-name.ts';
import type { NewRun, RunData, RunUpdate } from '../store.ts';
import { listExperimentFolders } from './experiments.ts';
import { explainedFile } from './file-failure.ts';
import { toStatusNumber } from './meta.ts';
import { appendMetrics, toRunInfo, writeValues } from './run-folder.ts';

export interface RunFolder {
  readonly folder: string;
  readonly meta: Meta;
  readonly info: RunInfo;
}

/** A folder counts as the run only where its meta.yaml says so: artifacts may hold any files. @throws NotFound */
export async function findRunFolder(root: string, runId: string): Promise<RunFolder> {
  checkRunId(runId);
  for (const parent of await listExperimentFolders(root)) {
    const folder = join(parent, runId);
    if ((await kindOf(join(folder, 'metrics'))) !== 'directory') continue;
    const meta = await readMeta(folder);
    if (meta === undefined) continue;
    const info = toRunInfo(meta);
    if (info.id === runId && parent.endsWith(`/${info.experimentId}`)) {
      return { folder, meta, info };
    }
  }
  throw runNotFound(runId);
}

/** @throws NotFound; InvalidInput for a deleted one. */
export async function findActiveRun(root: string, runId: string): Promise<RunFolder> {
  const run = await findRunFolder(root, runId);
  refuseDeleted('run', runId, run.info.lifecycleStage);
  return run;
}

/** What MLflow 1.x kept here and 3.x keeps in tags; 3.x still writes these. */
const LEGACY_KEYS = {
  entry_point_name: '',
  source_name: '',
  source_type: 4,
  source_version: '',
  tags: [],
} as const;

/** Returns the id of the new run. */
export async function writeNewRun(
  root: string,
  experiment: Experiment,
  { startTimeMs, userId, ...run }: NewRun,
): Promise<string> {
  const { name, tags } = nameRun(run.runName, run.tags);
  const id = randomUUID().replaceAll('-', '');
  const folder = join(root, experiment.id, id);
  await explainedFile(folder, async () => {
    for (const part of ['metrics', 'params', 'artifacts']) await makeFolder(join(folder, part));
    await writeValues(folder, 'tags', tags);
    // Last, so that no one sees the run before it is complete.
    await writeMeta(folder, {
      artifact_uri: appendToLocation(experiment.artifactLocation, id, 'artifacts'),
      end_time: null,
      experiment_id: experiment.id,
      lifecycle_stage: 'active',
      run_id: id,
      run_name: name,
      start_time: startTimeMs,
      status: toStatusNumber('RUNNING'),
      user_id: userId,
      ...LEGACY_KEYS,
    });
  });
  return id;
}

/** What has been checked; `writeModelMetrics` writes those metrics that belong to logged models too. */
export async function writeRunData(
  { folder, meta }: RunFolder,
  { params, metrics, tags }: Required<RunData>,
  writeModelMetrics: () => Promise<void>,
): Promise<void> {
  await explainedFile(folder, async () => {
    await writeValues(folder, 'params', params);
    await appendMetrics(folder, metrics);
    await writeModelMetrics();
    await writeValues(folder, 'tags', tags);
    const name = tags.findLast(({ key }) => key === RUN_NAME_TAG)?.value;
    if (name) await writeMeta(folder, { ...meta, run_name: name });
  });
}

/** What is not told stays. */
export async function changeRun(
  run: RunFolder,
  { status, endTimeMs, runName }: RunUpdate,
): Promise<RunInfo> {
  const meta: Meta = {
    ...run.meta,
    ...(status === undefined ? {} : { status: toStatusNumber(status) }),
    ...(endTimeMs === undefined ? {} : { end_time: endTimeMs }),
    ...(runName ? { run_name: runName } : {}),
  };
  await explainedFile(run.folder, async () => {
    if (runName) await writeValues(run.folder, 'tags', nameRun(runName, []).tags);
    await writeMeta(run.folder, meta);
  });
  return toRunInfo(meta);
}
