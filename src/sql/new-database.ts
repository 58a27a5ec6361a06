import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { InvalidInput } from '../core/errors.ts';
import { explainSqliteError } from './sqlite.ts';

export type NewRow = Readonly<Record<string, string | number | bigint | null>>;

/** A SQLite database that nobody else knows of yet: filled as fast as SQLite can, without a journal. */
export interface NewDatabase {
  /**
   * All rows of a table are given with the same columns in the same order. False where a row with this key is there.
   *
   * @throws InvalidInput where the table does not take these values, Unavailable where the disk is full.
   */
  insert(table: string, row: NewRow): boolean;
  /** How many rows there are; `condition` is SQL. */
  count(table: string, condition?: string): number;
  /** Ends the one transaction, and reads all of it again. @throws Unavailable where the disk did not keep it. */
  finish(): void;
  close(): void;
}

const CONSTRAINT = 19;

/** No journal: a file that was not finished is thrown away. 64 MiB of cache: keys come in any order. */
const PRAGMAS = `
  pragma foreign_keys = off; pragma journal_mode = off; pragma synchronous = off;
  pragma locking_mode = exclusive; pragma cache_size = -65536;`;

/**
 * Makes a database at MLflow's schema (`schema/sqlite.ts`) in a file that must not exist. What a crash leaves
 * is of no use: write it beside its place and rename it when it is finished.
 */
export async function createNewDatabase(path: string): Promise<NewDatabase> {
  const { DatabaseSync } = await import('node:sqlite');
  const { sqliteSchema } = await import('./schema/sqlite.ts');
  const database = explained(path, () => new DatabaseSync(path));
  try {
    explained(path, () => {
      database.exec(PRAGMAS);
      database.exec(`begin; ${sqliteSchema}`);
    });
  } catch (error) {
    database.close();
    throw error;
  }
  const statements = new Map<string, StatementSync>();
  return {
    insert: (table, row) => insertRow(database, statements, path, table, row),
    count: (table, condition = 'true') => {
      const query = `select count(*) as count from ${table} where ${condition}`;
      return explained(path, () => Number(database.prepare(query).get()?.count));
    },
    finish: () => explained(path, () => finish(database)),
    close: () => database.close(),
  };
}

function insertRow(
  database: DatabaseSync,
  statements: Map<string, StatementSync>,
  path: string,
  table: string,
  row: NewRow,
): boolean {
  try {
    let statement = statements.get(table);
    if (statement === undefined) {
      statement = database.prepare(insertionInto(table, Object.keys(row)));
      statements.set(table, statement);
    }
    return statement.run(...Object.values(row)).changes > 0;
  } catch (error) {
    const { errcode = 0, message } = error as { errcode?: number; message: string };
    if ((errcode & 0xff) === CONSTRAINT || errcode === 0) {
      throw new InvalidInput(`the table \`${table}\` does not take it: ${message}`, {
        cause: error,
      });
    }
    throw explainSqliteError(error, path);
  }
}

/** `or ignore` would also swallow values that a CHECK refuses. */
function insertionInto(table: string, columns: readonly string[]): string {
  const names = columns.map((name) => `"${name}"`).join(', ');
  const places = columns.map(() => '?').join(', ');
  return `insert into ${table} (${names}) values (${places}) on conflict do nothing`;
}

function finish(database: DatabaseSync): void {
  database.exec('commit');
  const [found] = database.prepare('pragma quick_check(1)').all();
  const verdict = found?.quick_check;
  if (verdict !== 'ok') throw new Error(`it reads differently than it was written (${verdict})`);
}

function explained<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainSqliteError(error, path);
  }
}
