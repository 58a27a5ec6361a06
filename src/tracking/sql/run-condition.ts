import { type Expression, type SqlBool, sql } from 'kysely';
import type { Clause, Field, Order } from '../../search/clause.ts';
import { compareColumn } from '../../sql/clause-condition.ts';
import type { SqlConnection } from '../../sql/connection.ts';
import { RUN_NAME_TAG } from '../run-name.ts';

/** `mlflow/utils/mlflow_tags.py`: says what a run used a dataset for. */
const DATASET_CONTEXT_TAG = 'mlflow.data.context';

const TABLES = { metric: 'latest_metrics', param: 'params', tag: 'tags' } as const;

type ToFlag = SqlConnection['toFlag'];

/**
 * What must hold of a row of `runs`. Each value is looked up by the key of its table, so that the
 * number of metrics and params a run has does not matter
 * (`mlflow/store/tracking/sqlalchemy_store.py`, `_get_sqlalchemy_filter_clauses`).
 */
export function toRunCondition(clause: Clause, toFlag: ToFlag): Expression<SqlBool> {
  const { kind, key, comparator } = clause;
  switch (kind) {
    case 'attribute':
      // The column is empty for runs of MLflow 1.x, the tag is not.
      if (key === 'run_name') return toRunCondition(nameTagClause(clause), toFlag);
      return compareColumn(readAttribute(key), clause);
    case 'dataset':
      return toDatasetCondition(clause);
    case 'metric':
      return existsValue(clause, sql`${compareMetric(clause, toFlag)}`);
    default:
      if (comparator === 'IS NULL') return sql`not ${existsValue(clause, sql`1 = 1`)}`;
      if (comparator === 'IS NOT NULL') return existsValue(clause, sql`1 = 1`);
      return existsValue(clause, compareColumn(sql.ref('value'), clause));
  }
}

function nameTagClause(clause: Clause): Clause {
  return { ...clause, kind: 'tag', key: RUN_NAME_TAG };
}

/** NaN is stored as 0 with a mark, and differs from every number. */
function compareMetric(clause: Clause, toFlag: ToFlag): Expression<SqlBool> {
  const compared = compareColumn(sql.ref('value'), clause);
  return clause.comparator === '!='
    ? sql`(${compared} or is_nan = ${toFlag(true)})`
    : sql`${compared} and is_nan = ${toFlag(false)}`;
}

function existsValue(field: Field, condition: Expression<SqlBool>): Expression<SqlBool> {
  return sql`exists (${selectValue(field, sql`1`)} and ${condition})`;
}

/** A subquery for `what` of the run's metric, param or tag. */
function selectValue({ kind, key }: Field, what: Expression<unknown>): Expression<unknown> {
  const table = sql.table(TABLES[kind as keyof typeof TABLES]);
  return sql`select ${what} from ${table} as held where held.run_uuid = runs.run_uuid and held.key = ${key}`;
}

function toDatasetCondition(clause: Clause): Expression<SqlBool> {
  const inputs = sql`select 1 from inputs join datasets on datasets.dataset_uuid = inputs.source_id`;
  const ofRun = sql`inputs.destination_type = 'RUN' and inputs.destination_id = runs.run_uuid`;
  if (clause.key !== 'context') {
    const column = sql.ref(`datasets.${clause.key}`);
    return sql`exists (${inputs} where ${ofRun} and ${compareColumn(column, clause)})`;
  }
  const tags = sql`join input_tags on input_tags.input_uuid = inputs.input_uuid and input_tags.name = ${DATASET_CONTEXT_TAG}`;
  const compared = compareColumn(sql.ref('input_tags.value'), clause);
  return sql`exists (${inputs} ${tags} where ${ofRun} and ${compared})`;
}

const COLUMNS: Readonly<Record<string, string>> = {
  run_id: 'runs.run_uuid',
  run_name: 'runs.name',
};

function readAttribute(key: string): Expression<unknown> {
  return sql.ref(COLUMNS[key] ?? `runs.${key}`);
}

/**
 * Values first, then NaN, then runs without a value, in either direction. Each run's value is looked up once: no
 * metric is infinite (`toStoredValue`), so an infinity stands for NaN.
 */
export function toRunOrder({ kind, key, isAscending }: Order, toFlag: ToFlag): Expression<unknown> {
  const direction = sql.raw(isAscending ? 'asc' : 'desc');
  const last = isAscending ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  const value =
    kind === 'metric'
      ? sql`case when is_nan = ${toFlag(true)} then ${last} else value end`
      : sql.ref('value');
  const column =
    kind === 'attribute' ? readAttribute(key) : sql`(${selectValue({ kind, key }, value)})`;
  return sql`${column} ${direction} nulls last`;
}
