import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { EvaluationDataset, Tag } from '../../core/entities.ts';
import type { Page } from '../../core/page.ts';
import type { Clause } from '../../search/clause.ts';
import { parseFilter } from '../../search/filter.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { cutPage, readPageRange } from '../../search/page.ts';
import { compareColumn } from '../../sql/clause-condition.ts';
import type { EvaluationTables } from '../../sql/evaluation-tables.ts';
import type { Tables } from '../../sql/tables.ts';
import {
  DATASET_ORDER,
  datasetLanguage,
  datasetOrderLanguage,
} from '../search/dataset-language.ts';
import type { DatasetSearch } from '../store.ts';

/** One page of evaluation datasets (`mlflow/store/tracking/sqlalchemy_store.py`, `search_datasets`). */
export async function searchDatasets(
  connected: Kysely<Tables>,
  search: DatasetSearch,
): Promise<Page<EvaluationDataset>> {
  const database = connected.withTables<EvaluationTables>();
  const range = readPageRange(search);
  const conditions = parseFilter(search.filter ?? '', datasetLanguage).map(toCondition);
  const held = database
    .selectFrom('entity_associations')
    .select('source_id')
    .where('source_type', '=', 'evaluation_dataset')
    .where('destination_type', '=', 'experiment')
    .where('destination_id', 'in', search.experimentIds);
  const found = await database
    .selectFrom('evaluation_datasets')
    .selectAll()
    .where('workspace', '=', 'default')
    .where('dataset_id', 'in', held)
    .where((expression) => expression.and([...conditions]))
    .orderBy(sql`${sql.join(listOrders(search.orderBy ?? []))}`)
    .limit(range.limit + 1)
    .offset(range.offset)
    .execute();
  const { rows, nextPageToken } = cutPage(found, range);
  const tags = await readTags(
    database,
    rows.map(({ dataset_id: id }) => id),
  );
  const items = rows.map((row) => ({
    id: row.dataset_id,
    name: row.name,
    digest: row.digest ?? undefined,
    createdTimeMs: row.created_time ?? undefined,
    lastUpdateTimeMs: row.last_update_time ?? undefined,
    createdBy: row.created_by ?? undefined,
    lastUpdatedBy: row.last_updated_by ?? undefined,
    tags: tags.get(row.dataset_id) ?? [],
  }));
  return { items, nextPageToken };
}

function toCondition(clause: Clause): Expression<SqlBool> {
  const { kind, key } = clause;
  if (kind === 'attribute') return compareColumn(sql.ref(`evaluation_datasets.${key}`), clause);
  return sql`exists (select 1 from evaluation_dataset_tags as held
    where held.dataset_id = evaluation_datasets.dataset_id and held.key = ${key}
    and ${compareColumn(sql.ref('held.value'), clause)})`;
}

function listOrders(texts: readonly string[]): readonly Expression<unknown>[] {
  const orders = parseOrderBy(texts.length > 0 ? texts : DATASET_ORDER, datasetOrderLanguage);
  return [
    ...orders.map(
      ({ key, isAscending }) => sql`${sql.ref(key)} ${sql.raw(isAscending ? 'asc' : 'desc')}`,
    ),
    sql`dataset_id desc`,
  ];
}

async function readTags(
  database: Kysely<EvaluationTables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Tag[]>> {
  if (ids.length === 0) return new Map();
  const rows = await database
    .selectFrom('evaluation_dataset_tags')
    .selectAll()
    .where('dataset_id', 'in', ids)
    .execute();
  return Map.groupBy(
    rows.map(({ value, ...row }) => ({ ...row, value: value ?? '' })),
    ({ dataset_id: id }) => id,
  );
}
