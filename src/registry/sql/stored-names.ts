import type { Context } from '../../host/context.ts';
import { openReadOnlyDatabase, type ReadOnlyDatabase } from '../../sql/read-only-database.ts';
import { DELETED_STAGE } from '../../sql/registry-tables.ts';
import { PROMPT_TAG } from '../prompt-filter.ts';
import {
  ANSWER_MS,
  MOST_NAMES,
  type StoredModelNames,
  type StoredVersion,
} from '../stored-names.ts';

/** Tables and columns that MLflow has had since 1.9. */
const MODELS = `select name, description from registered_models
  where substr(name, 1, length($1)) = $1 and not exists (
    select 1 from registered_model_tags as held
    where held.name = registered_models.name and held.key = '${PROMPT_TAG}' and held.value = 'true')
  order by name limit ${MOST_NAMES}`;
const VERSIONS = `select version, current_stage from model_versions
  where name = $1 and current_stage <> '${DELETED_STAGE}' order by version desc limit ${MOST_NAMES}`;
const ALIASES =
  'select alias, version from registered_model_aliases where name = $1 order by alias';

export async function openModelNamesInDatabase(
  uri: string,
  context: Context,
): Promise<StoredModelNames> {
  const database = await openReadOnlyDatabase(uri, ANSWER_MS, context);
  return {
    listModels: async (prefix) =>
      (await database.query(MODELS, prefix)).map(({ name, description }) => ({
        name: String(name),
        description: description ? String(description) : undefined,
      })),
    listVersions: (name) => listVersions(database, name),
    close: () => database.close(),
  };
}

async function listVersions(
  database: ReadOnlyDatabase,
  name: string,
): Promise<readonly StoredVersion[]> {
  const versions = await database.query(VERSIONS, name);
  // Aliases came with MLflow 2.3.
  const aliases = await database.query(ALIASES, name).catch(() => []);
  return versions.map(({ version, current_stage: stage }) => ({
    version: Number(version),
    stage: String(stage),
    aliases: aliases
      .filter((held) => String(held.version) === String(version))
      .map(({ alias }) => String(alias)),
  }));
}
