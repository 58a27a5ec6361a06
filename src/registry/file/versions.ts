import { join } from 'node:path';
import pMap from 'p-map';
import type { Tag } from '../../core/entities.ts';
import {
  MODEL_STAGES,
  type ModelAlias,
  type ModelStage,
  type ModelVersion,
} from '../../core/model-registry.ts';
import { placeFile, placeFolder } from '../../host/file-tree.ts';
import { listNames } from '../../host/folders.ts';
import { type Meta, readMeta, readText, readTimeMs, writeMeta } from '../../host/meta-file.ts';
import { readValues } from '../../host/value-files.ts';
import { versionNotFound } from '../limits.ts';
import type { NewModelVersion } from '../store.ts';

/** The stage of a version that was deleted: its folder stays, so that its number is not given again. */
export const DELETED_STAGE = 'Deleted_Internal';

const FOLDERS_AT_ONCE = 16;

export function versionFolder(folder: string, version: number): string {
  return join(folder, `version-${version}`);
}

/** Of all versions, also of deleted ones and of those that are being made; in order. */
export async function listVersionNumbers(folder: string): Promise<readonly number[]> {
  const names = await listNames(folder);
  return names
    .map((name) => Number(/^version-([1-9]\d*)$/.exec(name)?.[1]))
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b);
}

/** A version with its file, in which an empty text and none are two things. */
export interface WrittenVersion {
  readonly version: ModelVersion;
  readonly meta: Meta;
}

/** Those that are there, oldest first. `folder` is the model's. */
export async function readVersions(
  folder: string,
  name: string,
  aliases: readonly ModelAlias[],
): Promise<readonly ModelVersion[]> {
  return (await readWrittenVersions(folder, name, aliases)).map(({ version }) => version);
}

/** As `readVersions`. */
export async function readWrittenVersions(
  folder: string,
  name: string,
  aliases: readonly ModelAlias[],
): Promise<readonly WrittenVersion[]> {
  const versions = await pMap(
    await listVersionNumbers(folder),
    (version) => readWritten(folder, name, version, aliases),
    { concurrency: FOLDERS_AT_ONCE },
  );
  return versions.filter((version) => version !== undefined);
}

/** Undefined for one that was deleted or never made. The folder's name tells the number. */
export async function readVersion(
  folder: string,
  name: string,
  version: number,
  aliases: readonly ModelAlias[],
): Promise<ModelVersion | undefined> {
  return (await readWritten(folder, name, version, aliases))?.version;
}

async function readWritten(
  folder: string,
  name: string,
  number: number,
  aliases: readonly ModelAlias[],
): Promise<WrittenVersion | undefined> {
  const own = versionFolder(folder, number);
  const meta = await readMeta(own);
  if (meta === undefined || readText(meta, 'current_stage') === DELETED_STAGE) return undefined;
  const tags = await readValues(join(own, 'tags'));
  return { meta, version: describe(name, number, meta, tags, aliases) };
}

function describe(
  name: string,
  version: number,
  meta: Meta,
  tags: readonly Tag[],
  aliases: readonly ModelAlias[],
): ModelVersion {
  return {
    name,
    version,
    stage: readStage(meta),
    aliases: aliases.filter((alias) => alias.version === version).map(({ alias }) => alias),
    description: meta.description == null ? undefined : readText(meta, 'description'),
    source: readOptional(meta, 'source'),
    runId: readOptional(meta, 'run_id'),
    runLink: readOptional(meta, 'run_link'),
    modelId: readOptional(meta, 'model_id'),
    userId: readOptional(meta, 'user_id'),
    status: readText(meta, 'status') || 'READY',
    statusMessage: readOptional(meta, 'status_message'),
    tags,
    creationTimeMs: readTimeMs(meta, 'creation_timestamp'),
    lastUpdateTimeMs: readTimeMs(meta, 'last_updated_timestamp'),
  };
}

/** The highest version of each stage that has one, oldest first. */
export function pickLatest(versions: readonly ModelVersion[]): readonly ModelVersion[] {
  const latest = new Map(versions.map((version) => [version.stage, version.version]));
  return versions.filter(({ stage, version }) => latest.get(stage) === version);
}

export interface VersionOrigin {
  /** Where the files lie. */
  readonly location: string;
  readonly runId: string | null;
}

/** Returns the number that the new version got: Python's client, which takes no lock, may have the next one. */
export async function createVersion(
  folder: string,
  version: NewModelVersion,
  origin: VersionOrigin,
  nowMs: number,
): Promise<number> {
  for (let number = ((await listVersionNumbers(folder)).at(-1) ?? 0) + 1; ; number += 1) {
    const isMade = await placeFolder(versionFolder(folder, number), folder, (own) =>
      fillVersion(own, number, version, origin, nowMs),
    );
    if (isMade) return number;
  }
}

async function fillVersion(
  own: string,
  number: number,
  { name, source, runId, runLink, modelId, description, tags = [] }: NewModelVersion,
  origin: VersionOrigin,
  nowMs: number,
): Promise<void> {
  for (const { key, value } of tags) await placeFile(join(own, 'tags', key), value, own);
  await writeMeta(own, {
    creation_timestamp: nowMs,
    current_stage: 'None',
    deployment_job_state: null,
    description: description ?? null,
    last_updated_timestamp: nowMs,
    model_id: modelId ?? null,
    name,
    run_id: runId || (origin.runId ?? runId ?? null),
    run_link: runLink ?? null,
    source,
    status: 'READY',
    status_message: null,
    storage_location: origin.location,
    user_id: null,
    version: number,
    workspace: 'default',
  });
}

/** Writes meta.yaml anew. @throws NotFound, also for a deleted version. */
export async function changeVersion(
  folder: string,
  name: string,
  version: number,
  change: Meta,
): Promise<void> {
  const meta = await requireVersionMeta(folder, name, version);
  await writeMeta(versionFolder(folder, version), { ...meta, ...change });
}

/** @throws NotFound, also for a deleted version. */
export async function requireVersionMeta(
  folder: string,
  name: string,
  version: number,
): Promise<Meta> {
  const meta = await readMeta(versionFolder(folder, version));
  if (meta === undefined || readText(meta, 'current_stage') === DELETED_STAGE) {
    throw versionNotFound(name, version);
  }
  return meta;
}

function readStage(meta: Meta): ModelStage {
  const text = readText(meta, 'current_stage');
  return MODEL_STAGES.find((stage) => stage === text) ?? 'None';
}

function readOptional(meta: Meta, key: string): string | undefined {
  return readText(meta, key) || undefined;
}

/** Where the files of a version lie: its source, or what that stood for when the version was made. */
export function readLocation(meta: Meta): string {
  return readText(meta, 'storage_location') || readText(meta, 'source');
}
