import { type Expression, sql } from 'kysely';
import type { Run, RunInfo } from '../../core/entities.ts';
import type { Page } from '../../core/page.ts';
import { parseFilter } from '../../search/filter.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { cutPage, readPageRange } from '../../search/page.ts';
import type { SqlConnection } from '../../sql/connection.ts';
import { runLanguage } from '../search/run-language.ts';
import { listStages } from '../search/view.ts';
import type { RunSearch } from '../store.ts';
import { parseExperimentId } from './experiment-id.ts';
import { toRunInfo } from './rows.ts';
import { toRunCondition, toRunOrder } from './run-condition.ts';
import { readRunData } from './run-values.ts';

/** One page of runs (`mlflow/store/tracking/sqlalchemy_store.py`, `_search_runs`). */
export async function searchRuns(
  { database, toFlag }: Pick<SqlConnection, 'database' | 'toFlag'>,
  search: RunSearch,
): Promise<Page<Run>> {
  const range = readPageRange(search);
  const clauses = parseFilter(search.filter ?? '', runLanguage);
  const conditions = clauses.map((clause) => toRunCondition(clause, toFlag));
  const order = listOrders(search.orderBy ?? [], toFlag);
  const experimentIds = search.experimentIds.map(parseExperimentId);
  if (experimentIds.length === 0) return { items: [], nextPageToken: undefined };
  const found = await database
    .selectFrom('runs')
    .selectAll()
    .where('experiment_id', 'in', experimentIds)
    .where('lifecycle_stage', 'in', listStages(search.view))
    .where((expression) => expression.and([...conditions]))
    .orderBy(sql`${sql.join(order)}`)
    .limit(range.limit + 1)
    .offset(range.offset)
    .execute();
  const { rows, nextPageToken } = cutPage(found, range);
  const infos = rows.map(toRunInfo);
  // The name of a run of MLflow 1.x is among its tags.
  const isNamed = infos.every(({ name }) => name !== '');
  if (search.isInfoEnough && isNamed) return { items: infos.map(toBareRun), nextPageToken };
  return { items: await readRunData(database, infos), nextPageToken };
}

function toBareRun(info: RunInfo): Run {
  return { info, params: [], tags: [], metrics: [] };
}

/** Where the orders asked for leave a choice, the newest run comes first. */
function listOrders(
  texts: readonly string[],
  toFlag: SqlConnection['toFlag'],
): readonly Expression<unknown>[] {
  const orders = parseOrderBy(texts, runLanguage);
  const isTimed = orders.some(({ kind, key }) => kind === 'attribute' && key === 'start_time');
  return [
    ...orders.flatMap((order) => toRunOrder(order, toFlag)),
    ...(isTimed ? [] : [sql`runs.start_time desc`]),
    sql`runs.run_uuid`,
  ];
}
