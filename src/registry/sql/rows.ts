import type { Kysely, Selectable } from 'kysely';
import type { Tag } from '../../core/entities.ts';
import type { ModelStage, ModelVersion, RegisteredModel } from '../../core/model-registry.ts';
import { DELETED_STAGE } from '../../sql/registry-tables.ts';
import type { Tables } from '../../sql/tables.ts';

type ModelRow = Selectable<Tables['registered_models']>;
type VersionRow = Selectable<Tables['model_versions']>;
/** Of a version where it has one, else of a model. */
interface TagRow {
  readonly key: string;
  readonly value: string | null;
  readonly name: string;
  readonly version?: number;
}

type AliasRow = Selectable<Tables['registered_model_aliases']>;

/** Adds tags, aliases and latest versions to models, in as many queries as for one. */
export async function completeModels(
  database: Kysely<Tables>,
  rows: readonly ModelRow[],
): Promise<readonly RegisteredModel[]> {
  if (rows.length === 0) return [];
  const names = rows.map(({ name }) => name);
  const [tags, aliases, latest] = [
    await readTags(database, 'registered_model_tags', names),
    await readAliases(database, names),
    await readLatestVersions(database, names),
  ];
  return rows.map((row) => ({
    name: row.name,
    description: row.description ?? undefined,
    tags: (tags.get(row.name) ?? []).map(toTag),
    aliases: (aliases.get(row.name) ?? []).map(({ alias, version }) => ({ alias, version })),
    latestVersions: latest.filter(({ name }) => name === row.name),
    creationTimeMs: row.creation_time ?? undefined,
    lastUpdateTimeMs: row.last_updated_time ?? undefined,
  }));
}

/** Adds tags and aliases to versions, in the order of `rows`. */
export async function completeVersions(
  database: Kysely<Tables>,
  rows: readonly VersionRow[],
): Promise<readonly ModelVersion[]> {
  if (rows.length === 0) return [];
  const names = [...new Set(rows.map(({ name }) => name))];
  const [tags, aliases] = [
    await readTags(database, 'model_version_tags', names),
    await readAliases(database, names),
  ];
  return rows.map((row) => ({
    ...toVersion(row),
    tags: (tags.get(keyOf(row)) ?? []).map(toTag),
    aliases: (aliases.get(row.name) ?? [])
      .filter(({ version }) => version === row.version)
      .map(({ alias }) => alias),
  }));
}

async function readLatestVersions(
  database: Kysely<Tables>,
  names: readonly string[],
): Promise<readonly ModelVersion[]> {
  const rows = await database
    .selectFrom('model_versions')
    .innerJoin(
      (from) =>
        from
          .selectFrom('model_versions')
          .select((column) => [
            'name as latest_name',
            column.fn.max('version').as('latest_version'),
          ])
          .where('workspace', '=', 'default')
          .where('name', 'in', names)
          .where('current_stage', '!=', DELETED_STAGE)
          .groupBy(['name', 'current_stage'])
          .as('latest'),
      (join) =>
        join
          .onRef('latest_name', '=', 'model_versions.name')
          .onRef('latest_version', '=', 'model_versions.version'),
    )
    .selectAll('model_versions')
    .where('workspace', '=', 'default')
    .orderBy('version')
    .execute();
  return completeVersions(database, rows);
}

async function readTags(
  database: Kysely<Tables>,
  table: 'registered_model_tags' | 'model_version_tags',
  names: readonly string[],
): Promise<Map<string, TagRow[]>> {
  const rows: readonly TagRow[] = await database
    .selectFrom(table)
    .selectAll()
    .where('workspace', '=', 'default')
    .where('name', 'in', names)
    .orderBy('key')
    .execute();
  return Map.groupBy(rows, keyOf);
}

async function readAliases(
  database: Kysely<Tables>,
  names: readonly string[],
): Promise<Map<string, AliasRow[]>> {
  const rows = await database
    .selectFrom('registered_model_aliases')
    .selectAll()
    .where('workspace', '=', 'default')
    .where('name', 'in', names)
    .orderBy('alias')
    .execute();
  return Map.groupBy(rows, ({ name }) => name);
}

/** No name holds a slash. */
function keyOf(row: Pick<TagRow, 'name' | 'version'>): string {
  return row.version === undefined ? row.name : `${row.name}/${row.version}`;
}

function toTag({ key, value }: TagRow): Tag {
  return { key, value: value ?? '' };
}

function toVersion(row: VersionRow): Omit<ModelVersion, 'tags' | 'aliases'> {
  return {
    name: row.name,
    version: row.version,
    stage: row.current_stage as ModelStage,
    description: row.description ?? undefined,
    source: row.source ?? undefined,
    runId: row.run_id || undefined,
    runLink: row.run_link ?? undefined,
    modelId: undefined,
    userId: row.user_id ?? undefined,
    status: row.status ?? 'READY',
    statusMessage: row.status_message ?? undefined,
    creationTimeMs: row.creation_time ?? undefined,
    lastUpdateTimeMs: row.last_updated_time ?? undefined,
  };
}
