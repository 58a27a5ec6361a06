import { type Expression, type SqlBool, sql } from 'kysely';
import { LOGGED_MODEL_STATUSES, type LoggedModel } from '../../core/logged-model.ts';
import type { Page } from '../../core/page.ts';
import type { Clause, Field } from '../../search/clause.ts';
import { satisfies } from '../../search/comparison.ts';
import { parseFilter } from '../../search/filter.ts';
import { cutPage, readPageRange } from '../../search/page.ts';
import type { TokenSearch } from '../../search/page-token.ts';
import { compareColumn } from '../../sql/clause-condition.ts';
import { type SqlConnection, whileWanted } from '../../sql/connection.ts';
import {
  loggedModelLanguage,
  type ParsedModelOrder,
  parseModelOrders,
} from '../search/logged-model-language.ts';
import type { DatasetChoice, LoggedModelSearch } from '../store.ts';
import { parseExperimentId } from './experiment-id.ts';
import { completeLoggedModels } from './logged-model-rows.ts';

/** MLflow has no limit here but that of its message. */
const MOST_FOUND = 2_147_483_647;

/** One page of models (`mlflow/store/tracking/sqlalchemy_store.py`, `search_logged_models`). */
export async function searchLoggedModels(
  { database, searched }: Pick<SqlConnection, 'database' | 'searched'>,
  search: LoggedModelSearch,
): Promise<Page<LoggedModel>> {
  const range = readPageRange(search, MOST_FOUND, describe(search));
  const conditions = toConditions(search);
  const order = parseModelOrders(search).flatMap(toOrder);
  const experimentIds = search.experimentIds.map(parseExperimentId);
  if (experimentIds.length === 0) return { items: [], nextPageToken: undefined };
  const found = await searched
    .selectFrom('logged_models')
    .selectAll()
    .where('experiment_id', 'in', experimentIds)
    .where('lifecycle_stage', '!=', 'deleted')
    .where((expression) => expression.and([...conditions]))
    .orderBy(sql`${sql.join(order)}`)
    .limit(range.limit + 1)
    .offset(range.offset)
    .execute(whileWanted(search));
  const { rows, nextPageToken } = cutPage(found, range);
  return { items: await completeLoggedModels(database, rows), nextPageToken };
}

/** What MLflow's tokens hold of the search (`mlflow/utils/search_utils.py`, `SearchLoggedModelsPaginationToken`). */
function describe({ experimentIds, filter, orderBy = [] }: LoggedModelSearch): TokenSearch {
  const orders = orderBy.map(({ field, isAscending, dataset }) => ({
    field_name: field,
    ascending: isAscending,
    dataset_name: dataset?.name ?? null,
    dataset_digest: dataset?.digest ?? null,
  }));
  return {
    experiment_ids: [...experimentIds],
    filter_string: filter || null,
    order_by: orders.length === 0 ? null : orders,
  };
}

/** Datasets narrow down what the metrics in the filter are; without such a filter any metric will do. */
function toConditions({
  filter = '',
  datasets = [],
}: LoggedModelSearch): readonly Expression<SqlBool>[] {
  const clauses = parseFilter(filter, loggedModelLanguage);
  const conditions = clauses.map((clause) => toCondition(clause, datasets));
  const isMeasured = datasets.length === 0 || clauses.some(({ kind }) => kind === 'metric');
  return isMeasured ? conditions : [...conditions, existsMetric(onDatasets(datasets))];
}

function toCondition(clause: Clause, datasets: readonly DatasetChoice[]): Expression<SqlBool> {
  const { kind, key } = clause;
  switch (kind) {
    case 'attribute':
      return compareColumn(sql.ref(`logged_models.${key}`), withStatusNumbers(clause));
    case 'metric': {
      const compared = compareColumn(sql.ref('held.metric_value'), clause);
      return existsMetric(
        sql`held.metric_name = ${key} and ${compared} and ${onDatasets(datasets)}`,
      );
    }
    case 'param': {
      const compared = compareColumn(sql.ref('held.param_value'), clause);
      return sql`exists (select 1 from logged_model_params as held
        where held.model_id = logged_models.model_id and held.param_key = ${key} and ${compared})`;
    }
    default: {
      const compared = compareColumn(sql.ref('held.tag_value'), clause);
      return sql`exists (select 1 from logged_model_tags as held
        where held.model_id = logged_models.model_id and held.tag_key = ${key} and ${compared})`;
    }
  }
}

function existsMetric(condition: Expression<SqlBool>): Expression<SqlBool> {
  return sql`exists (select 1 from logged_model_metrics as held
    where held.model_id = logged_models.model_id and ${condition})`;
}

function onDatasets(datasets: readonly DatasetChoice[]): Expression<SqlBool> {
  if (datasets.length === 0) return sql`1 = 1`;
  return sql`(${sql.join(datasets.map(onDataset), sql` or `)})`;
}

function onDataset({ name, digest }: Partial<DatasetChoice>): Expression<SqlBool> {
  const parts = [
    ...(name === undefined ? [] : [sql`held.dataset_name = ${name}`]),
    ...(digest === undefined ? [] : [sql`held.dataset_digest = ${digest}`]),
  ];
  return parts.length === 0 ? sql`1 = 1` : sql`(${sql.join(parts, sql` and `)})`;
}

/** A status is stored as a number; MLflow compares with that, people write the name. */
function withStatusNumbers(clause: Clause): Parameters<typeof compareColumn>[1] {
  if (clause.kind !== 'attribute' || clause.key !== 'status') return clause;
  const names = [clause.value].flat().map((value) => toStatusName(String(value)));
  const named = { ...clause, value: Array.isArray(clause.value) ? names : (names[0] ?? '') };
  const numbers = LOGGED_MODEL_STATUSES.flatMap((name, number) =>
    satisfies(name, named) ? [BigInt(number)] : [],
  );
  return { comparator: 'IN', value: numbers.length === 0 ? [NO_STATUS] : numbers };
}

const NO_STATUS = -1n;

function toStatusName(text: string): string {
  return /^\d$/.test(text) ? (LOGGED_MODEL_STATUSES[Number(text)] ?? text) : text;
}

/** First whether there is a value, then the value: what is not there comes last. */
function toOrder({ kind, key, isAscending, dataset }: ParsedModelOrder): Expression<unknown>[] {
  const value = kind === 'metric' ? latestMetric({ kind, key }, dataset) : sql.ref(key);
  const direction = sql.raw(isAscending ? 'asc' : 'desc');
  return [sql`case when ${value} is null then 1 else 0 end`, sql`${value} ${direction}`];
}

function latestMetric(
  { key }: Field,
  dataset: ParsedModelOrder['dataset'] = {},
): Expression<unknown> {
  return sql`(select held.metric_value from logged_model_metrics as held
    where held.model_id = logged_models.model_id and held.metric_name = ${key} and ${onDataset(dataset)}
    order by held.metric_timestamp_ms desc, held.metric_step desc, held.run_id limit 1)`;
}
