import type { Kysely, Transaction } from 'kysely';
import type { ModelVersion } from '../../core/model-registry.ts';
import { DELETED_STAGE } from '../../sql/registry-tables.ts';
import type { Tables } from '../../sql/tables.ts';
import { sourceNotFound, versionNotFound } from '../limits.ts';
import type { NewModelVersion, StageChange } from '../store.ts';
import { changeModel } from './models.ts';
import { completeVersions } from './rows.ts';

/** @throws NotFound, also for a deleted one. */
export async function readVersion(
  database: Kysely<Tables>,
  name: string,
  version: number,
): Promise<ModelVersion> {
  const rows = await database
    .selectFrom('model_versions')
    .selectAll()
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .where('version', '=', version)
    .where('current_stage', '!=', DELETED_STAGE)
    .execute();
  const [found] = await completeVersions(database, rows);
  if (found === undefined) throw versionNotFound(name, version);
  return found;
}

/** Returns the number that the new version got. @throws NotFound */
export async function insertVersion(
  transaction: Transaction<Tables>,
  newVersion: NewModelVersion,
  nowMs: number,
): Promise<number> {
  const { name, source, runLink, description, tags = [] } = newVersion;
  await changeModel(transaction, name, { last_updated_time: nowMs });
  const origin = await findOrigin(transaction, newVersion);
  const runId = newVersion.runId || origin.runId || (await findSourceRun(transaction, newVersion));
  const version = (await readHighestNumber(transaction, name)) + 1;
  await transaction
    .insertInto('model_versions')
    .values({
      name,
      version,
      source,
      storage_location: origin.location,
      run_id: runId ?? newVersion.runId ?? null,
      run_link: runLink ?? null,
      description: description ?? null,
      current_stage: 'None',
      status: 'READY',
      creation_time: nowMs,
      last_updated_time: nowMs,
    })
    .execute();
  const rows = [...new Map(tags.map((tag) => [tag.key, { ...tag, name, version }])).values()];
  if (rows.length > 0) await transaction.insertInto('model_version_tags').values(rows).execute();
  return version;
}

/** Deleted versions keep their numbers. */
async function readHighestNumber(transaction: Transaction<Tables>, name: string): Promise<number> {
  const { highest } = await transaction
    .selectFrom('model_versions')
    .select((column) => column.fn.max('version').as('highest'))
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  return Number(highest ?? 0);
}

interface Origin {
  readonly location: string;
  readonly runId: string | null;
}

/** Where the files of a source lie: `models:/NAME/VERSION` and `models:/m-ID` stand for another place. */
async function findOrigin(
  transaction: Transaction<Tables>,
  { source, location: known }: NewModelVersion,
): Promise<Origin> {
  const [, path] = /^models:\/*(.*)$/s.exec(source) ?? [];
  if (path === undefined) return { location: source, runId: null };
  const [, name, version] = /^([^/@]+)\/(\d+)$/.exec(path) ?? [];
  if (name !== undefined) {
    return { location: await readLocation(transaction, name, Number(version)), runId: null };
  }
  const model = await findLoggedModel(transaction, path);
  if (model !== undefined) return { location: model.artifact_location, runId: model.source_run_id };
  if (known !== undefined) return { location: known, runId: null };
  throw sourceNotFound(source);
}

/** The run that made the logged model which a version is of, wherever its files lie. */
async function findSourceRun(
  transaction: Transaction<Tables>,
  { modelId }: NewModelVersion,
): Promise<string | null> {
  if (!modelId) return null;
  return (await findLoggedModel(transaction, modelId))?.source_run_id || null;
}

function findLoggedModel(transaction: Transaction<Tables>, modelId: string) {
  return transaction
    .selectFrom('logged_models')
    .select(['artifact_location', 'source_run_id'])
    .where('model_id', '=', modelId)
    .executeTakeFirst();
}

/** Where the files of a version lie. @throws NotFound, also for a deleted one. */
export async function readLocation(
  database: Kysely<Tables>,
  name: string,
  version: number,
): Promise<string> {
  const row = await database
    .selectFrom('model_versions')
    .select(['storage_location', 'source'])
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .where('version', '=', version)
    .where('current_stage', '!=', DELETED_STAGE)
    .executeTakeFirst();
  if (row === undefined) throw versionNotFound(name, version);
  return row.storage_location || row.source || '';
}

type VersionChange = Partial<Tables['model_versions']>;

/** @throws NotFound, also for a deleted one. */
export async function changeVersion(
  transaction: Transaction<Tables>,
  name: string,
  version: number,
  change: Omit<VersionChange, 'workspace'>,
): Promise<void> {
  const changed = await transaction
    .updateTable('model_versions')
    .set(change)
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .where('version', '=', version)
    .where('current_stage', '!=', DELETED_STAGE)
    .returning('name')
    .executeTakeFirst();
  if (changed === undefined) throw versionNotFound(name, version);
}

/** @throws NotFound */
export async function moveVersion(
  transaction: Transaction<Tables>,
  name: string,
  version: number,
  { stage, archivesExisting, nowMs }: StageChange & { readonly nowMs: number },
): Promise<void> {
  const change = { current_stage: stage, last_updated_time: nowMs };
  await changeVersion(transaction, name, version, change);
  if (archivesExisting) {
    await transaction
      .updateTable('model_versions')
      .set({ current_stage: 'Archived', last_updated_time: nowMs })
      .where('workspace', '=', 'default')
      .where('name', '=', name)
      .where('version', '!=', version)
      .where('current_stage', '=', stage)
      .execute();
  }
  await changeModel(transaction, name, { last_updated_time: nowMs });
}

/** What MLflow leaves of a deleted version. Its tags stay, its aliases go. @throws NotFound */
export async function deleteVersion(
  transaction: Transaction<Tables>,
  name: string,
  version: number,
  nowMs: number,
): Promise<void> {
  await changeVersion(transaction, name, version, {
    current_stage: DELETED_STAGE,
    last_updated_time: nowMs,
    description: null,
    user_id: null,
    source: 'REDACTED-SOURCE-PATH',
    run_id: 'REDACTED-RUN-ID',
    run_link: 'REDACTED-RUN-LINK',
    status_message: null,
  });
  await changeModel(transaction, name, { last_updated_time: nowMs });
  await transaction
    .deleteFrom('registered_model_aliases')
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .where('version', '=', version)
    .execute();
}
