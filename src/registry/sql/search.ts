import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { ModelVersion, RegisteredModel } from '../../core/model-registry.ts';
import type { Page } from '../../core/page.ts';
import type { Clause, FilterLanguage } from '../../search/clause.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { cutPage, readPageRange } from '../../search/page.ts';
import { compareColumn } from '../../sql/clause-condition.ts';
import { DELETED_STAGE } from '../../sql/registry-tables.ts';
import type { Tables } from '../../sql/tables.ts';
import { MOST_MODELS, MOST_VERSIONS } from '../limits.ts';
import { modelLanguage, modelOrderLanguage } from '../model-language.ts';
import { PROMPT_TAG, parsePromptFilter } from '../prompt-filter.ts';
import type { RegistrySearch } from '../store.ts';
import { VERSION_ORDER, versionLanguage, versionOrderLanguage } from '../version-language.ts';
import { completeModels, completeVersions } from './rows.ts';

/** One page of models (`mlflow/store/model_registry/sqlalchemy_store.py`, `search_registered_models`). */
export async function searchModels(
  database: Kysely<Tables>,
  search: RegistrySearch,
): Promise<Page<RegisteredModel>> {
  const range = readPageRange(search, MOST_MODELS);
  const conditions = listConditions(search.filter ?? '', modelLanguage, MODELS);
  const found = await database
    .selectFrom('registered_models')
    .selectAll()
    .where('workspace', '=', 'default')
    .where((expression) => expression.and([...conditions]))
    .orderBy(listOrders(search.orderBy ?? [], modelOrderLanguage, MODELS))
    .limit(range.limit + 1)
    .offset(range.offset)
    .execute();
  const { rows, nextPageToken } = cutPage(found, range);
  return { items: await completeModels(database, rows), nextPageToken };
}

/** One page of versions, deleted ones left out (as above, `search_model_versions`). */
export async function searchVersions(
  database: Kysely<Tables>,
  search: RegistrySearch,
): Promise<Page<ModelVersion>> {
  const range = readPageRange(search, MOST_VERSIONS);
  const conditions = listConditions(search.filter ?? '', versionLanguage, VERSIONS);
  const orderBy = search.orderBy?.length ? search.orderBy : VERSION_ORDER;
  const found = await database
    .selectFrom('model_versions')
    .selectAll()
    .where('workspace', '=', 'default')
    .where('current_stage', '!=', DELETED_STAGE)
    .where((expression) => expression.and([...conditions]))
    .orderBy(listOrders(orderBy, versionOrderLanguage, VERSIONS))
    .limit(range.limit + 1)
    .offset(range.offset)
    .execute();
  const { rows, nextPageToken } = cutPage(found, range);
  return { items: await completeVersions(database, rows), nextPageToken };
}

/** Where the things searched for are kept. */
interface Place {
  readonly table: 'registered_models' | 'model_versions';
  readonly tags: 'registered_model_tags' | 'model_version_tags';
  readonly keys: readonly string[];
  /** Columns by the names that filters and orders have for them. */
  readonly columns: Readonly<Record<string, string>>;
  /** How those are ordered that are alike in all that was asked for. */
  readonly lastOrders: Readonly<Record<string, 'asc' | 'desc'>>;
}

const MODELS: Place = {
  table: 'registered_models',
  tags: 'registered_model_tags',
  keys: ['workspace', 'name'],
  columns: { last_updated_timestamp: 'last_updated_time' },
  lastOrders: { name: 'asc' },
};

const VERSIONS: Place = {
  table: 'model_versions',
  tags: 'model_version_tags',
  keys: ['workspace', 'name', 'version'],
  columns: {
    version_number: 'version',
    source_path: 'source',
    creation_timestamp: 'creation_time',
    last_updated_timestamp: 'last_updated_time',
  },
  lastOrders: { name: 'asc', version: 'desc' },
};

function listConditions(
  filter: string,
  language: FilterLanguage,
  place: Place,
): readonly Expression<SqlBool>[] {
  const { clauses, leavesOutPrompts } = parsePromptFilter(filter, language);
  const conditions = clauses.map((clause) => toCondition(clause, place));
  return leavesOutPrompts ? [...conditions, isNoPrompt(place)] : conditions;
}

function isNoPrompt({ table, tags }: Place): Expression<SqlBool> {
  return sql`not exists (select 1 from ${sql.table(tags)} as held
    where held.workspace = ${sql.ref(`${table}.workspace`)} and held.name = ${sql.ref(`${table}.name`)}
    and held.key = ${PROMPT_TAG} and held.value = 'true')`;
}

function toCondition(clause: Clause, { table, tags, keys, columns }: Place): Expression<SqlBool> {
  const { kind, key } = clause;
  if (kind === 'attribute') {
    return compareColumn(sql.ref(`${table}.${columns[key] ?? key}`), clause);
  }
  const isOwn = keys.map((name) => sql`held.${sql.ref(name)} = ${sql.ref(`${table}.${name}`)}`);
  return sql`exists (select 1 from ${sql.table(tags)} as held
    where ${sql.join(isOwn, sql` and `)} and held.key = ${key}
    and ${compareColumn(sql.ref('held.value'), clause)})`;
}

function listOrders(
  texts: readonly string[],
  language: FilterLanguage,
  { table, columns, lastOrders }: Place,
): Expression<unknown> {
  const asked = parseOrderBy(texts, language).map(
    ({ key, isAscending }) => [columns[key] ?? key, isAscending ? 'asc' : 'desc'] as const,
  );
  const last = Object.entries(lastOrders).filter(
    ([column]) => !asked.some(([earlier]) => earlier === column),
  );
  const orders = [...asked, ...last].map(
    ([column, direction]) => sql`${sql.ref(`${table}.${column}`)} ${sql.raw(direction)}`,
  );
  return sql`${sql.join(orders)}`;
}
