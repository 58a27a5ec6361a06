import type { Transaction } from 'kysely';
import type { Tag } from '../../core/entities.ts';
import type { Tables } from '../../sql/tables.ts';

export async function setModelTag(
  transaction: Transaction<Tables>,
  name: string,
  { key, value }: Tag,
): Promise<void> {
  await transaction
    .insertInto('registered_model_tags')
    .values({ key, value, name })
    .onConflict((conflict) => conflict.columns(['workspace', 'key', 'name']).doUpdateSet({ value }))
    .execute();
}

export async function deleteModelTag(
  transaction: Transaction<Tables>,
  name: string,
  key: string,
): Promise<void> {
  await transaction
    .deleteFrom('registered_model_tags')
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .where('key', '=', key)
    .execute();
}

export async function setVersionTag(
  transaction: Transaction<Tables>,
  name: string,
  version: number,
  { key, value }: Tag,
): Promise<void> {
  await transaction
    .insertInto('model_version_tags')
    .values({ key, value, name, version })
    .onConflict((conflict) =>
      conflict.columns(['workspace', 'key', 'name', 'version']).doUpdateSet({ value }),
    )
    .execute();
}

export async function deleteVersionTag(
  transaction: Transaction<Tables>,
  name: string,
  version: number,
  key: string,
): Promise<void> {
  await transaction
    .deleteFrom('model_version_tags')
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .where('version', '=', version)
    .where('key', '=', key)
    .execute();
}

export async function setAlias(
  transaction: Transaction<Tables>,
  name: string,
  alias: string,
  version: number,
): Promise<void> {
  await transaction
    .insertInto('registered_model_aliases')
    .values({ alias, version, name })
    .onConflict((conflict) =>
      conflict.columns(['workspace', 'name', 'alias']).doUpdateSet({ version }),
    )
    .execute();
}

export async function deleteAlias(
  transaction: Transaction<Tables>,
  name: string,
  alias: string,
): Promise<void> {
  await transaction
    .deleteFrom('registered_model_aliases')
    .where('workspace', '=', 'default')
    .where('name', '=', name)
    .where('alias', '=', alias)
    .execute();
}
