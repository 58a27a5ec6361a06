import type { Transaction } from 'kysely';
import type { Param, Tag } from '../../core/entities.ts';
import { compileForRows, compileOnce } from '../../sql/compiled-query.ts';
import type { Tables } from '../../sql/tables.ts';
import { tagNotFound } from '../lifecycle.ts';
import { paramConflict } from '../limits.ts';
import { RUN_NAME_TAG } from '../run-name.ts';

/** Rows per statement: SQLite takes 32,766 bound values, PostgreSQL 65,535. */
export const ROWS_PER_STATEMENT = 1_000;

/** Of statements that are kept for the next time, one for each number of rows; more rows gain nothing. */
export const ROWS_AT_ONCE = 100;

const PAIR_COLUMNS = ['key', 'value', 'run_uuid'] as const;

/**
 * Adds params; one that is there with the same value is left alone.
 *
 * @throws InvalidInput for one that is there with another value.
 */
export async function logParams(
  transaction: Transaction<Tables>,
  runId: string,
  params: readonly Param[],
): Promise<void> {
  if (params.length === 0) return;
  const rows = params.map(({ key, value }) => ({ key, value, run_uuid: runId }));
  for (const part of partition(rows, ROWS_AT_ONCE)) await insertParams(transaction, part);
  const stored = await selectParams(transaction, { runId });
  const values = new Map(stored.map(({ key, value }) => [key, value]));
  for (const { key, value } of params) {
    const old = values.get(key);
    if (old !== undefined && old !== value) throw paramConflict(runId, key, old, value);
  }
}

const insertParams = compileForRows<Tables['params']>(PAIR_COLUMNS, (database, rows) =>
  database
    .insertInto('params')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['key', 'run_uuid']).doNothing()),
);

const selectParams = compileOnce((database, { runId }: { readonly runId: string }) =>
  database.selectFrom('params').select(['key', 'value']).where('run_uuid', '=', runId),
);

/** Adds tags or gives them new values; of a tag that comes twice the last one counts. */
export async function setTags(
  transaction: Transaction<Tables>,
  runId: string,
  tags: readonly Tag[],
): Promise<void> {
  const rows = [...new Map(tags.map((tag) => [tag.key, { ...tag, run_uuid: runId }])).values()];
  for (const part of partition(rows, ROWS_AT_ONCE)) await putTags(transaction, part);
}

const putTags = compileForRows<Tables['tags']>(PAIR_COLUMNS, (database, rows) =>
  database
    .insertInto('tags')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(['key', 'run_uuid'])
        .doUpdateSet((expression) => ({ value: expression.ref('excluded.value') })),
    ),
);

/** @throws NotFound where the run has no such tag. */
export async function deleteTag(
  transaction: Transaction<Tables>,
  runId: string,
  key: string,
): Promise<void> {
  const deleted = await transaction
    .deleteFrom('tags')
    .where('run_uuid', '=', runId)
    .where('key', '=', key)
    .returning('key')
    .executeTakeFirst();
  if (deleted === undefined) throw tagNotFound(runId, key);
}

/** An empty name is no new one: run and tag keep theirs (`set_tag`, which renames by `update_run_info`). */
export function withoutEmptyName(tags: readonly Tag[]): readonly Tag[] {
  return tags.filter(({ key, value }) => key !== RUN_NAME_TAG || value !== '');
}

/** A run's name is kept twice: a new `mlflow.runName` tag renames the run. */
export async function setRunName(
  transaction: Transaction<Tables>,
  runId: string,
  tags: readonly Tag[],
): Promise<void> {
  const name = tags.findLast(({ key }) => key === RUN_NAME_TAG)?.value;
  if (!name) return;
  await transaction.updateTable('runs').set({ name }).where('run_uuid', '=', runId).execute();
}

export function partition<T>(rows: readonly T[], size = ROWS_PER_STATEMENT): readonly T[][] {
  const count = Math.ceil(rows.length / size);
  return Array.from({ length: count }, (_, part) => rows.slice(part * size, (part + 1) * size));
}
