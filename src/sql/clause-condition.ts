import { type Expression, type SqlBool, sql } from 'kysely';
import type { Clause } from '../search/clause.ts';

interface Comparison {
  readonly comparator: Clause['comparator'];
  readonly value: Clause['value'] | bigint | readonly bigint[];
}

/**
 * A comparison of text or number as MLflow makes it in SQL (`mlflow/utils/search_utils.py`,
 * `get_sql_comparison_func`): LIKE minds the case, ILIKE compares lower case.
 */
export function compareColumn(
  column: Expression<unknown>,
  { comparator, value }: Comparison,
): Expression<SqlBool> {
  switch (comparator) {
    case 'LIKE':
      return sql`${column} like ${value}`;
    case 'ILIKE':
      return sql`lower(${column}) like lower(${value})`;
    case 'IN':
    case 'NOT IN':
      return compareList(column, comparator, [value].flat());
    case 'IS NULL':
      return sql`${column} is null`;
    case 'IS NOT NULL':
      return sql`${column} is not null`;
    default:
      return sql`${column} ${sql.raw(comparator)} ${value}`;
  }
}

function compareList(
  column: Expression<unknown>,
  comparator: 'IN' | 'NOT IN',
  values: readonly unknown[],
): Expression<SqlBool> {
  return sql`${column} ${sql.raw(comparator)} (${sql.join(values)})`;
}
