import { randomInt } from 'node:crypto';
import { basename, join } from 'node:path';
import { appendToLocation } from '../../core/artifact-location.ts';
import type { Experiment, Tag } from '../../core/entities.ts';
import { kindOf } from '../../host/files.ts';
import { listNames, makeFolder } from '../../host/folders.ts';
import {
  damagedMeta,
  META_FILE,
  type Meta,
  readMeta,
  readText,
  readTimeMs,
  writeMeta,
} from '../../host/meta-file.ts';
import { readStage } from './meta.ts';
import { readValues, writeValues } from './run-folder.ts';

/** Where deleted experiments are moved; no experiment itself. */
export const TRASH_FOLDER = '.trash';

/** Folders of all experiments, the active ones first. */
export async function listExperimentFolders(root: string): Promise<readonly string[]> {
  const trash = join(root, TRASH_FOLDER);
  const active = (await listNames(root)).filter((name) => name !== TRASH_FOLDER);
  const deleted = await listNames(trash);
  return [...active.map((id) => join(root, id)), ...deleted.map((id) => join(trash, id))];
}

/** `experimentId` must have been checked: it names a folder. One without meta.yaml is half made, or left so. */
export async function findExperimentFolder(
  root: string,
  experimentId: string,
): Promise<string | undefined> {
  for (const parent of [root, join(root, TRASH_FOLDER)]) {
    const folder = join(parent, experimentId);
    if ((await kindOf(join(folder, META_FILE))) !== undefined) return folder;
  }
  return undefined;
}

/**
 * Undefined for a folder that holds no experiment.
 *
 * @throws MltsError for one that says it is another: its runs would be written there.
 */
export async function readExperimentFolder(folder: string): Promise<Experiment | undefined> {
  const meta = await readMeta(folder);
  if (meta === undefined) return undefined;
  const experiment = toExperiment(meta, await readValues(join(folder, 'tags')));
  if (experiment.id === basename(folder)) return experiment;
  throw damagedMeta(folder, `its experiment_id is \`${experiment.id}\``);
}

/** The experiment of this name; folders that cannot be read are passed over, as MLflow does. */
export async function findExperimentByName(
  root: string,
  name: string,
): Promise<Experiment | undefined> {
  for (const folder of await listExperimentFolders(root)) {
    const meta = await readMeta(folder).catch(() => undefined);
    if (meta !== undefined && readText(meta, 'name') === name) return readExperimentFolder(folder);
  }
  return undefined;
}

function toExperiment(meta: Meta, tags: readonly Tag[]): Experiment {
  return {
    id: readText(meta, 'experiment_id'),
    name: readText(meta, 'name'),
    artifactLocation: readText(meta, 'artifact_location'),
    lifecycleStage: readStage(meta),
    tags,
    creationTimeMs: readTimeMs(meta, 'creation_time'),
    lastUpdateTimeMs: readTimeMs(meta, 'last_update_time'),
  };
}

export interface NewExperimentFolder {
  readonly id: string;
  readonly name: string;
  /** Absolute path or URI; undefined or empty: below `artifactRoot`. */
  readonly artifactLocation: string | undefined;
  readonly artifactRoot: string;
  readonly tags: readonly Tag[];
  readonly nowMs: number;
}

/** meta.yaml comes last: until then, nobody takes the folder for an experiment. */
export async function writeExperimentFolder(
  root: string,
  experiment: NewExperimentFolder,
): Promise<void> {
  const { id, name, artifactLocation, artifactRoot, tags, nowMs } = experiment;
  const folder = join(root, id);
  await makeFolder(folder);
  await writeValues(folder, 'tags', tags);
  await writeMeta(folder, {
    artifact_location: artifactLocation || appendToLocation(artifactRoot, id),
    creation_time: nowMs,
    experiment_id: id,
    last_update_time: nowMs,
    lifecycle_stage: 'active',
    name,
  });
}

/** Eighteen digits, the first not 0, as `mlflow/utils/name_utils.py` makes them. */
export function makeExperimentId(): string {
  const digits = Array.from({ length: 17 }, () => randomInt(10));
  return `${randomInt(1, 10)}${digits.join('')}`;
}
