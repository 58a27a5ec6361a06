import type { Kysely } from 'kysely';
import type { Metric, Run, RunInfo, Tag } from '../../core/entities.ts';
import type { Tables } from '../../sql/tables.ts';
import { RUN_NAME_TAG } from '../run-name.ts';
import { readRunInfo, toMetric } from './rows.ts';
import { partition } from './run-data.ts';

/** @throws NotFound */
export async function readRun(database: Kysely<Tables>, runId: string): Promise<Run> {
  const { info } = await readRunInfo(database, runId);
  return addRunData(info, await readData(database, [runId]));
}

/** Adds params, tags and latest metrics to runs: three queries for a thousand of them. */
export async function readRunData(
  database: Kysely<Tables>,
  infos: readonly RunInfo[],
): Promise<readonly Run[]> {
  const runs: Run[] = [];
  for (const part of partition(infos)) {
    const data = await readData(
      database,
      part.map(({ id }) => id),
    );
    runs.push(...part.map((info) => addRunData(info, data)));
  }
  return runs;
}

interface RunData {
  readonly params: ReadonlyMap<string, readonly Tag[]>;
  readonly tags: ReadonlyMap<string, readonly Tag[]>;
  readonly metrics: ReadonlyMap<string, readonly Metric[]>;
}

async function readData(database: Kysely<Tables>, ids: readonly string[]): Promise<RunData> {
  return {
    params: await readPairs(database, 'params', ids),
    tags: await readPairs(database, 'tags', ids),
    metrics: await readMetrics(database, ids),
  };
}

function addRunData(info: RunInfo, { params, tags, metrics }: RunData): Run {
  const tagsOfRun = tags.get(info.id) ?? [];
  return {
    // Runs of MLflow 1.x have their name in the tag only.
    info: info.name === '' ? { ...info, name: findName(tagsOfRun) } : info,
    params: params.get(info.id) ?? [],
    tags: tagsOfRun,
    metrics: metrics.get(info.id) ?? [],
  };
}

async function readPairs(
  database: Kysely<Tables>,
  table: 'params' | 'tags',
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Tag[]>> {
  const rows = await database
    .selectFrom(table as 'params' | 'tags')
    .select(['run_uuid', 'key', 'value'])
    .where('run_uuid', 'in', ids)
    .execute();
  return groupByRun(rows, ({ key, value }) => ({ key, value: value ?? '' }));
}

async function readMetrics(
  database: Kysely<Tables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Metric[]>> {
  const query = database.selectFrom('latest_metrics').selectAll().where('run_uuid', 'in', ids);
  return groupByRun(await query.execute(), toMetric);
}

function groupByRun<
  Row extends { readonly run_uuid: string },
  Value extends { readonly key: string },
>(rows: readonly Row[], toValue: (row: Row) => Value): ReadonlyMap<string, readonly Value[]> {
  const groups = new Map<string, Value[]>();
  for (const row of rows) {
    const group = groups.get(row.run_uuid);
    if (group === undefined) groups.set(row.run_uuid, [toValue(row)]);
    else group.push(toValue(row));
  }
  for (const group of groups.values()) group.sort((a, b) => (a.key < b.key ? -1 : 1));
  return groups;
}

function findName(tags: readonly Tag[]): string {
  return tags.find(({ key }) => key === RUN_NAME_TAG)?.value ?? '';
}
