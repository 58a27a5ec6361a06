import { type Expression, type SqlBool, sql } from 'kysely';
import type { Run, RunInfo } from '../../core/entities.ts';
import type { Page } from '../../core/page.ts';
import { parseFilter } from '../../search/filter.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { cutPage, readPageRange } from '../../search/page.ts';
import { type SqlConnection, whileWanted } from '../../sql/connection.ts';
import { runLanguage } from '../search/run-language.ts';
import { listStages } from '../search/view.ts';
import type { RunScan, RunSearch } from '../store.ts';
import { parseExperimentId } from './experiment-id.ts';
import { toRunInfo } from './rows.ts';
import { toRunCondition, toRunOrder } from './run-condition.ts';
import { partition } from './run-data.ts';
import { readRunData } from './run-values.ts';

/**
 * One page of runs (`mlflow/store/tracking/sqlalchemy_store.py`, `_search_runs`). First which they are, for which
 * all runs may have to be looked through, then what belongs to those few.
 */
export async function searchRuns(connection: RunConnection, search: RunSearch): Promise<Page<Run>> {
  const range = readPageRange(search);
  const query = selectRunIds(connection, search)
    .limit(range.limit + 1)
    .offset(range.offset);
  const { rows, nextPageToken } = cutPage(await query.execute(whileWanted(search)), range);
  const runs: Run[] = [];
  for (const part of partition(rows, connection.runsPerRead)) {
    search.signal?.throwIfAborted();
    runs.push(...(await readRuns(connection, part.map(toId), search)));
  }
  return { items: runs, nextPageToken };
}

/** The ids of all runs of a search, in its order: so much fits into memory, and is read at once. */
export async function findRunIds(
  connection: RunConnection,
  scan: RunScan,
): Promise<readonly string[]> {
  const query = selectRunIds(connection, scan);
  const { maxResults } = scan;
  const rows = await (maxResults === undefined ? query : query.limit(maxResults)).execute();
  return rows.map(toId);
}

function toId({ run_uuid: id }: { readonly run_uuid: string }): string {
  return id;
}

/** The runs with these ids, in their order; those that are gone meanwhile are left out. */
export async function readRuns(
  { database }: RunConnection,
  ids: readonly string[],
  { isInfoEnough }: RunScan,
): Promise<readonly Run[]> {
  if (ids.length === 0) return [];
  const query = database.selectFrom('runs').selectAll().where('run_uuid', 'in', ids);
  const rows = new Map((await query.execute()).map((row) => [row.run_uuid, row]));
  const infos = ids.flatMap((id) => {
    const row = rows.get(id);
    return row === undefined ? [] : [toRunInfo(row)];
  });
  // The name of a run of MLflow 1.x is among its tags.
  const isNamed = infos.every(({ name }) => name !== '');
  return isInfoEnough && isNamed ? infos.map(toBareRun) : readRunData(database, infos);
}

type RunConnection = Pick<SqlConnection, 'database' | 'searched' | 'runsPerRead' | 'toFlag'>;

/** All that a search finds, in its order. */
function selectRunIds({ searched, toFlag }: RunConnection, search: RunScan) {
  const clauses = parseFilter(search.filter ?? '', runLanguage);
  const conditions = clauses.map((clause) => toRunCondition(clause, toFlag));
  const order = listOrders(search.orderBy ?? [], toFlag);
  const experimentIds = search.experimentIds.map(parseExperimentId);
  return searched
    .selectFrom('runs')
    .select('run_uuid')
    .where((expression) =>
      experimentIds.length === 0
        ? sql<SqlBool>`1 = 0`
        : expression('experiment_id', 'in', experimentIds),
    )
    .where('lifecycle_stage', 'in', listStages(search.view))
    .where((expression) => expression.and([...conditions]))
    .orderBy(sql`${sql.join(order)}`);
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
