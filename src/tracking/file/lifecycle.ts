import { join } from 'node:path';
import type { LifecycleStage, Tag } from '../../core/entities.ts';
import { InvalidInput } from '../../core/errors.ts';
import { checkKey } from '../../core/key.ts';
import { removeFile } from '../../host/file-tree.ts';
import { kindOf } from '../../host/files.ts';
import { listNames, moveFolder } from '../../host/folders.ts';
import { type Meta, readMeta, readText, writeMeta } from '../../host/meta-file.ts';
import {
  experimentNotFound,
  experimentTagNotFound,
  nameTaken,
  refuseDeleted,
  renameDeleted,
  wrongStage,
} from '../lifecycle.ts';
import { findExperimentByName, findExperimentFolder, TRASH_FOLDER } from './experiments.ts';
import { readStage } from './meta.ts';
import { writeValues } from './run-folder.ts';

/** Every new store makes experiment 0 anew (`mlflow/store/tracking/file_store.py`). */
const DEFAULT_EXPERIMENT_ID = '0';

/**
 * Deletes or restores an experiment: its folder moves into `.trash` or out of it, and the runs that were
 * in the other stage are marked (`mlflow/store/tracking/file_store.py`). The folder moves last: where
 * something fails before, doing it again completes it.
 */
export async function moveExperiment(
  root: string,
  experimentId: string,
  stage: LifecycleStage,
  nowMs: number,
): Promise<void> {
  if (experimentId === DEFAULT_EXPERIMENT_ID && stage === 'deleted') {
    throw new InvalidInput('experiment 0 is the default one, which a folder of runs cannot lose');
  }
  const [from, to] = stage === 'deleted' ? ['', TRASH_FOLDER] : [TRASH_FOLDER, ''];
  const folder = join(root, from, experimentId);
  if ((await kindOf(folder)) !== 'directory') {
    await requireExperimentFolder(root, experimentId);
    throw wrongStage(experimentId, stage);
  }
  await markRuns(folder, stage, nowMs);
  await changeExperiment(folder, { lifecycle_stage: stage, last_update_time: nowMs });
  await moveFolder(folder, join(root, to, experimentId));
}

async function markRuns(folder: string, stage: LifecycleStage, nowMs: number): Promise<void> {
  for (const name of await listNames(folder)) {
    const meta = await readMeta(join(folder, name));
    if (meta === undefined || readStage(meta) === stage) continue;
    await markRun(join(folder, name), meta, stage, nowMs);
  }
}

/** Deletes or restores a run: a mark in its meta.yaml. */
export async function markRun(
  folder: string,
  meta: Meta,
  stage: LifecycleStage,
  nowMs: number,
): Promise<void> {
  const { deleted_time: _, ...rest } = meta;
  const mark = stage === 'deleted' ? { deleted_time: nowMs } : {};
  await writeMeta(folder, { ...rest, ...mark, lifecycle_stage: stage });
}

/** @throws NotFound, AlreadyExists for a name in use, MltsError (INVALID_STATE) for a deleted one. */
export async function renameExperiment(
  root: string,
  experimentId: string,
  name: string,
  nowMs: number,
): Promise<void> {
  const { folder, meta } = await requireExperimentFolder(root, experimentId);
  if (readStage(meta) === 'deleted') throw renameDeleted(experimentId);
  if ((await findExperimentByName(root, name)) !== undefined) throw nameTaken(name);
  await changeExperiment(folder, { name, last_update_time: nowMs });
}

/** @throws NotFound, InvalidInput for a deleted one. */
export async function setExperimentTag(
  root: string,
  experimentId: string,
  tag: Tag,
): Promise<void> {
  const { folder, meta } = await requireExperimentFolder(root, experimentId);
  refuseDeleted('experiment', experimentId, readStage(meta));
  await writeValues(folder, 'tags', [tag]);
}

async function changeExperiment(folder: string, changed: Meta): Promise<void> {
  const meta = await readMeta(folder);
  if (meta !== undefined) await writeMeta(folder, { ...meta, ...changed });
}

async function requireExperimentFolder(
  root: string,
  experimentId: string,
): Promise<{ readonly folder: string; readonly meta: Meta }> {
  const folder = await findExperimentFolder(root, experimentId);
  const meta = folder === undefined ? undefined : await readMeta(folder);
  if (folder !== undefined && meta !== undefined && readText(meta, 'experiment_id') !== '') {
    return { folder, meta };
  }
  throw experimentNotFound(experimentId);
}

/** @throws NotFound, also where it has no such tag; InvalidInput for a deleted one. */
export async function deleteExperimentTag(
  root: string,
  experimentId: string,
  key: string,
): Promise<void> {
  const { folder, meta } = await requireExperimentFolder(root, experimentId);
  refuseDeleted('experiment', experimentId, readStage(meta));
  const isRemoved = await removeFile(join(folder, 'tags', checkKey('tag', key)));
  if (!isRemoved) throw experimentTagNotFound(experimentId, key);
}
