import type { Kysely, Transaction } from 'kysely';
import type { RegisteredModel } from '../../core/model-registry.ts';
import type { Tables } from '../../sql/tables.ts';
import { modelNotFound } from '../limits.ts';
import type { NewRegisteredModel } from '../store.ts';
import { completeModels } from './rows.ts';

/** @throws NotFound */
export async function readModel(database: Kysely<Tables>, name: string): Promise<RegisteredModel> {
  const rows = await database
    .selectFrom('registered_models')
    .selectAll()
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .execute();
  const [model] = await completeModels(database, rows);
  if (model === undefined) throw modelNotFound(name);
  return model;
}

/** @throws the driver's error for a name in use. */
export async function insertModel(
  transaction: Transaction<Tables>,
  { name, description, tags = [] }: NewRegisteredModel,
  nowMs: number,
): Promise<void> {
  const times = { creation_time: nowMs, last_updated_time: nowMs };
  await transaction
    .insertInto('registered_models')
    .values({ name, description: description ?? null, ...times })
    .execute();
  const rows = [...new Map(tags.map((tag) => [tag.key, { ...tag, name }])).values()];
  if (rows.length > 0) await transaction.insertInto('registered_model_tags').values(rows).execute();
}

/**
 * Changes a model; a write that comes first also holds its row, so that two writers come one after the
 * other. @throws NotFound
 */
export async function changeModel(
  transaction: Transaction<Tables>,
  name: string,
  change: { readonly last_updated_time?: number; readonly description?: string },
): Promise<void> {
  const changed = await transaction
    .updateTable('registered_models')
    .set(change)
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .returning('name')
    .executeTakeFirst();
  if (changed === undefined) throw modelNotFound(name);
}

/** The foreign keys carry the name on. @throws NotFound, the driver's error for a name in use. */
export async function renameModel(
  transaction: Transaction<Tables>,
  name: string,
  newName: string,
  nowMs: number,
): Promise<void> {
  const changed = await transaction
    .updateTable('registered_models')
    .set({ name: newName, last_updated_time: nowMs })
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .returning('name')
    .executeTakeFirst();
  if (changed === undefined) throw modelNotFound(name);
  await transaction
    .updateTable('model_versions')
    .set({ last_updated_time: nowMs })
    .where('workspace', '=', 'default')
    .where('name', '=', newName)
    .execute();
}

/** With everything that belongs to it. @throws NotFound */
export async function deleteModel(transaction: Transaction<Tables>, name: string): Promise<void> {
  await readModel(transaction, name);
  const tables = [
    'model_version_tags',
    'model_versions',
    'registered_model_tags',
    'registered_model_aliases',
    'registered_models',
  ] as const;
  for (const table of tables) {
    await transaction
      .deleteFrom(table)
      .where('workspace', '=', 'default')
      .where('name', '=', name)
      .execute();
  }
}
