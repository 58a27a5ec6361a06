import { join } from 'node:path';
import type { Tag } from '../../core/entities.ts';
import type { ModelAlias, RegisteredModel } from '../../core/model-registry.ts';
import { copyContents, placeFile, placeFolder, removeWhole } from '../../host/file-tree.ts';
import { kindOf } from '../../host/files.ts';
import { listNames, makeFolder } from '../../host/folders.ts';
import {
  META_FILE,
  type Meta,
  readMeta,
  readText,
  readTimeMs,
  writeMeta,
} from '../../host/meta-file.ts';
import { readValues } from '../../host/value-files.ts';
import { modelNotFound, nameTaken } from '../limits.ts';
import type { NewRegisteredModel } from '../store.ts';
import { listVersionNumbers, pickLatest, readVersions, versionFolder } from './versions.ts';

/** Where registered models lie in a store; each has a folder of its name. */
const MODELS_FOLDER = 'models';
/** Where experiments are deleted to: no reader takes for a model what is half made or half removed there. */
const STAGING_FOLDER = '.trash';

/** What a search compares: a model without its aliases and versions, which cost more to read. */
export interface ModelHead {
  readonly name: string;
  readonly folder: string;
  readonly description: string | undefined;
  readonly tags: readonly Tag[];
  readonly creationTimeMs: number | undefined;
  readonly lastUpdateTimeMs: number | undefined;
}

/** The name must have been checked. */
export function modelFolder(root: string, name: string): string {
  return join(root, MODELS_FOLDER, name);
}

/** Sorted; also of folders that are being made and hold no meta.yaml yet. */
export async function listModelNames(root: string): Promise<readonly string[]> {
  return listNames(join(root, MODELS_FOLDER));
}

/** Undefined for a folder that holds no model. */
export async function readModelHead(root: string, name: string): Promise<ModelHead | undefined> {
  const folder = modelFolder(root, name);
  const meta = await readMeta(folder);
  if (meta === undefined) return undefined;
  return {
    name,
    folder,
    description: readText(meta, 'description') || undefined,
    tags: await readValues(join(folder, 'tags')),
    creationTimeMs: readTimeMs(meta, 'creation_timestamp'),
    lastUpdateTimeMs: readTimeMs(meta, 'last_updated_timestamp'),
  };
}

export async function completeModel({ folder, ...head }: ModelHead): Promise<RegisteredModel> {
  const aliases = await readAliases(folder);
  const versions = await readVersions(folder, head.name, aliases);
  return { ...head, aliases, latestVersions: pickLatest(versions) };
}

/** @throws NotFound */
export async function readModel(root: string, name: string): Promise<RegisteredModel> {
  const head = await readModelHead(root, name);
  if (head === undefined) throw modelNotFound(name);
  return completeModel(head);
}

/** @throws NotFound. Returns the model's folder. */
export async function requireModel(root: string, name: string): Promise<string> {
  const folder = modelFolder(root, name);
  if ((await kindOf(join(folder, META_FILE))) === undefined) throw modelNotFound(name);
  return folder;
}

export async function readAliases(folder: string): Promise<readonly ModelAlias[]> {
  const files = await readValues(join(folder, 'aliases'));
  return files
    .map(({ key, value }) => ({ alias: key, version: Number(value.trim() || Number.NaN) }))
    .filter(({ version }) => Number.isSafeInteger(version));
}

/** @throws AlreadyExists for a name in use. */
export async function createModel(
  root: string,
  { name, description, tags = [] }: NewRegisteredModel,
  nowMs: number,
): Promise<void> {
  const isMade = await placeFolder(
    modelFolder(root, name),
    await stagingOf(root),
    async (folder) => {
      for (const { key, value } of tags) await placeFile(join(folder, 'tags', key), value, folder);
      await writeMeta(folder, {
        aliases: {},
        creation_timestamp: nowMs,
        deployment_job_id: null,
        deployment_job_state: null,
        description: description ?? null,
        last_updated_timestamp: nowMs,
        name,
        workspace: 'default',
      });
    },
  );
  if (!isMade) throw nameTaken(name);
}

/** Writes meta.yaml anew, with the aliases that there are, as MLflow does. @throws NotFound */
export async function changeModel(root: string, name: string, change: Meta): Promise<void> {
  const folder = modelFolder(root, name);
  const meta = await readMeta(folder);
  if (meta === undefined) throw modelNotFound(name);
  const aliases = (await readAliases(folder)).map(({ alias, version }) => [alias, String(version)]);
  await writeMeta(folder, { ...meta, aliases: Object.fromEntries(aliases), ...change });
}

/**
 * The model under its new name is complete before the old one goes; where something fails before, all is
 * as it was. (MLflow leaves tags and aliases behind, and fails half-way on a version with tags.)
 *
 * @throws NotFound, AlreadyExists for a name in use.
 */
export async function renameModel(
  root: string,
  name: string,
  newName: string,
  nowMs: number,
): Promise<void> {
  const [folder, staging] = [await requireModel(root, name), await stagingOf(root)];
  const change = { name: newName, last_updated_timestamp: nowMs };
  const isMade = await placeFolder(modelFolder(root, newName), staging, async (copy) => {
    await copyContents(folder, copy);
    const versions = await listVersionNumbers(copy);
    for (const part of [copy, ...versions.map((version) => versionFolder(copy, version))]) {
      const meta = await readMeta(part);
      if (meta !== undefined) await writeMeta(part, { ...meta, ...change });
    }
  });
  if (!isMade) throw nameTaken(newName);
  await removeWhole(folder, staging);
}

/** With everything that belongs to it. @throws NotFound */
export async function deleteModel(root: string, name: string): Promise<void> {
  await removeWhole(await requireModel(root, name), await stagingOf(root));
}

async function stagingOf(root: string): Promise<string> {
  const staging = join(root, STAGING_FOLDER);
  await makeFolder(staging, 'name another folder in MLFLOW_REGISTRY_URI');
  return staging;
}
