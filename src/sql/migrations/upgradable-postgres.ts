import { CompiledQuery, sql } from 'kysely';
import { Unavailable } from '../../core/errors.ts';
import { redactUrls } from '../../core/redact.ts';
import { holdsData } from '../old-schema.ts';
import { connectPostgres, explainPostgresError, findSchema } from '../postgres.ts';
import { alterPostgresTable, POSTGRES_WORDS } from './postgres-change.ts';
import type { SchemaTools, UpgradableDatabase } from './upgradable.ts';

/** A server that holds a table in a transaction is waited for so long, then told. */
const LOCK_TIMEOUT = '30s';
const LOCK_NOT_AVAILABLE = '55P03';

/** @throws InvalidInput for a URI that cannot be read. */
export async function openUpgradablePostgres(uri: string): Promise<UpgradableDatabase> {
  const database = await connectPostgres(uri);
  return {
    find: () => findSchema(database),
    holdsData: () => holdsData(database),
    explain(error) {
      if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) {
        return explainPostgresError(error, uri);
      }
      return new Unavailable(`${redactUrls(uri)}: another program holds MLflow's tables`, {
        hint: 'stop the servers and jobs that use the database, then run again',
        cause: error,
      });
    },
    transact: (work) =>
      database.transaction().execute(async (transaction) => {
        await sql.raw(`set local lock_timeout = '${LOCK_TIMEOUT}'`).execute(transaction);
        // Another upgrade, also Python's, reads the revision before anything else: it waits here.
        await sql`lock table alembic_version in access exclusive mode`.execute(transaction);
        return work(createTools(transaction));
      }),
    close: () => database.destroy(),
  };
}

function createTools(transaction: SchemaTools['transaction']): SchemaTools {
  return {
    transaction,
    dialect: 'postgres',
    words: POSTGRES_WORDS,
    toFlag: (value) => value,
    run: async (script) => {
      await transaction.executeQuery(CompiledQuery.raw(script));
    },
    alterTable: (table, change) => alterPostgresTable(transaction, table, change),
    async listColumns(table) {
      const { rows } = await sql<{ name: string }>`
        select column_name as name from information_schema.columns
        where table_schema = current_schema() and table_name = ${table}`.execute(transaction);
      return rows.map(({ name }) => name);
    },
  };
}
