import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { Experiment } from '../../core/entities.ts';
import type { Page } from '../../core/page.ts';
import type { Clause } from '../../search/clause.ts';
import { parseFilter } from '../../search/filter.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { cutPage, readPageRange } from '../../search/page.ts';
import { compareColumn } from '../../sql/clause-condition.ts';
import type { Tables } from '../../sql/tables.ts';
import { experimentLanguage } from '../search/experiment-language.ts';
import { EXPERIMENT_ORDER } from '../search/experiment-order.ts';
import { listStages } from '../search/view.ts';
import type { ExperimentSearch } from '../store.ts';
import { readExperimentTags } from './rows.ts';

/** One page of experiments (`mlflow/store/tracking/sqlalchemy_store.py`, `_search_experiments`). */
export async function searchExperiments(
  database: Kysely<Tables>,
  search: ExperimentSearch,
): Promise<Page<Experiment>> {
  const range = readPageRange(search);
  const conditions = parseFilter(search.filter ?? '', experimentLanguage).map(toCondition);
  const found = await database
    .selectFrom('experiments')
    .selectAll()
    .where('workspace', '=', 'default')
    .where('lifecycle_stage', 'in', listStages(search.view))
    .where((expression) => expression.and([...conditions]))
    .orderBy(sql`${sql.join(listOrders(search.orderBy ?? []))}`)
    .limit(range.limit + 1)
    .offset(range.offset)
    .execute();
  const { rows, nextPageToken } = cutPage(found, range);
  return { items: await readExperimentTags(database, rows), nextPageToken };
}

function toCondition(clause: Clause): Expression<SqlBool> {
  const { kind, key, comparator } = clause;
  if (kind === 'attribute')
    return compareColumn(sql.ref(`experiments.${key}`), withNumbers(clause));
  const tag = sql`select 1 from experiment_tags as held where held.experiment_id = experiments.experiment_id and held.key = ${key}`;
  if (comparator === 'IS NULL') return sql`not exists (${tag})`;
  if (comparator === 'IS NOT NULL') return sql`exists (${tag})`;
  return sql`exists (${tag} and ${compareColumn(sql.ref('held.value'), clause)})`;
}

/** Ids are texts in a filter and numbers in the database. */
function withNumbers(clause: Clause): Parameters<typeof compareColumn>[1] {
  const { key, comparator, value } = clause;
  if (key !== 'experiment_id') return clause;
  const numbers = [value].flat().map((id) => BigInt(String(id)));
  return { comparator, value: Array.isArray(value) ? numbers : (numbers[0] ?? 0n) };
}

/** Experiments alike in all that was asked for come by id, the largest first. */
function listOrders(texts: readonly string[]): readonly Expression<unknown>[] {
  const orders = parseOrderBy(texts.length > 0 ? texts : EXPERIMENT_ORDER, experimentLanguage);
  const isById = orders.some(({ key }) => key === 'experiment_id');
  return [
    ...orders.map(
      ({ key, isAscending }) =>
        sql`${sql.ref(`experiments.${key}`)} ${sql.raw(isAscending ? 'asc' : 'desc')}`,
    ),
    ...(isById ? [] : [sql`experiments.experiment_id desc`]),
  ];
}
