import { Kysely } from 'kysely';
import type { Context } from '../../host/context.ts';
import { kindOf } from '../../host/files.ts';
import { createNodeSqliteDialect } from '../node-sqlite-dialect.ts';
import { holdsData } from '../old-schema.ts';
import { BUSY_WAIT_MS, explainSqliteError, findSchema, parseSqliteUri } from '../sqlite.ts';
import type { Tables } from '../tables.ts';
import { alterSqliteTable, listStoredColumns, SQLITE_WORDS } from './sqlite-change.ts';
import type { UpgradableDatabase } from './upgradable.ts';

/** Undefined where there is no such file. @throws Unavailable where it cannot be opened, or is no database. */
export async function openUpgradableSqlite(
  uri: string,
  { cwd }: Context,
): Promise<UpgradableDatabase | undefined> {
  const { path } = parseSqliteUri(uri, cwd);
  if ((await kindOf(path)) === undefined) return undefined;
  const { DatabaseSync } = await import('node:sqlite');
  const explain = (error: unknown) => explainSqliteError(error, path);
  const open = async () => {
    // A table that is made anew must not take the rows along that refer to the old one.
    const file = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: false });
    // Views and triggers that are not MLflow's may name the table that is away for a moment.
    file.exec('pragma legacy_alter_table = on');
    return file;
  };
  const file = await open().catch((error: unknown) => {
    throw explain(error);
  });
  const database = new Kysely<Tables>({ dialect: createNodeSqliteDialect(file, BUSY_WAIT_MS) });
  return {
    find: () => findSchema(database),
    holdsData: () => holdsData(database),
    explain,
    transact: (work) =>
      database.transaction().execute((transaction) =>
        work({
          transaction,
          dialect: 'sqlite',
          words: SQLITE_WORDS,
          toFlag: Number,
          run: async (script) => file.exec(script),
          alterTable: async (table, change) => alterSqliteTable(file, table, change),
          listColumns: async (table) => listStoredColumns(file, table),
        }),
      ),
    close: () => database.destroy(),
  };
}
