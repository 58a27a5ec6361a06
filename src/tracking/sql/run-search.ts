import { type Expression, type Selectable, type SqlBool, sql } from 'kysely';
import type { Run, RunInfo } from '../../core/entities.ts';
import type { Page } from '../../core/page.ts';
import { parseFilter } from '../../search/filter.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { cutPage, readPageRange } from '../../search/page.ts';
import type { SqlConnection } from '../../sql/connection.ts';
import type { Tables } from '../../sql/tables.ts';
import { runLanguage } from '../search/run-language.ts';
import { listStages } from '../search/view.ts';
import type { RunScan, RunSearch } from '../store.ts';
import { parseExperimentId } from './experiment-id.ts';
import { toRunInfo } from './rows.ts';
import { toRunCondition, toRunOrder } from './run-condition.ts';
import { readRunData } from './run-values.ts';

/** One page of runs (`mlflow/store/tracking/sqlalchemy_store.py`, `_search_runs`). */
export async function searchRuns(connection: RunConnection, search: RunSearch): Promise<Page<Run>> {
  const range = readPageRange(search);
  const found = await selectRuns(connection, search)
    .selectAll()
    .limit(range.limit + 1)
    .offset(range.offset)
    .execute();
  const { rows, nextPageToken } = cutPage(found, range);
  return { items: await completeRuns(connection, rows, search), nextPageToken };
}

/** The ids of all runs of a search, in its order: so much fits into memory, and is read at once. */
export async function findRunIds(
  connection: RunConnection,
  scan: RunScan,
): Promise<readonly string[]> {
  const query = selectRuns(connection, scan).select('run_uuid');
  const rows = await (scan.maxResults === undefined
    ? query
    : query.limit(scan.maxResults)
  ).execute();
  return rows.map(({ run_uuid: id }) => id);
}

/** The runs with these ids, in their order; those that are gone meanwhile are left out. */
export async function readRuns(
  connection: RunConnection,
  ids: readonly string[],
  scan: RunScan,
): Promise<readonly Run[]> {
  if (ids.length === 0) return [];
  const query = connection.searched.selectFrom('runs').selectAll().where('run_uuid', 'in', ids);
  const rows = new Map((await query.execute()).map((row) => [row.run_uuid, row]));
  const ordered = ids.map((id) => rows.get(id)).filter((row) => row !== undefined);
  return completeRuns(connection, ordered, scan);
}

type RunConnection = Pick<SqlConnection, 'searched' | 'toFlag'>;

/** The rows of a search in its order; what is read of them is the caller's. */
function selectRuns({ searched, toFlag }: RunConnection, search: RunScan) {
  const clauses = parseFilter(search.filter ?? '', runLanguage);
  const conditions = clauses.map((clause) => toRunCondition(clause, toFlag));
  const order = listOrders(search.orderBy ?? [], toFlag);
  const experimentIds = search.experimentIds.map(parseExperimentId);
  return searched
    .selectFrom('runs')
    .where((expression) =>
      experimentIds.length === 0
        ? sql<SqlBool>`1 = 0`
        : expression('experiment_id', 'in', experimentIds),
    )
    .where('lifecycle_stage', 'in', listStages(search.view))
    .where((expression) => expression.and([...conditions]))
    .orderBy(sql`${sql.join(order)}`);
}

async function completeRuns(
  { searched }: RunConnection,
  rows: readonly Selectable<Tables['runs']>[],
  { isInfoEnough }: RunScan,
): Promise<readonly Run[]> {
  const infos = rows.map(toRunInfo);
  // The name of a run of MLflow 1.x is among its tags.
  const isNamed = infos.every(({ name }) => name !== '');
  return isInfoEnough && isNamed ? infos.map(toBareRun) : readRunData(searched, infos);
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
    ...orders.map((order) => toRunOrder(order, toFlag)),
    ...(isTimed ? [] : [sql`runs.start_time desc`]),
    sql`runs.run_uuid`,
  ];
}
