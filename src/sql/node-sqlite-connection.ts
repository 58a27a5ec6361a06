import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryResult } from 'kysely';
import type { RowsQuery } from './compiled-query.ts';

const SQLITE_BUSY = 5;
const POLL_MS = 20;
const MOST_PREPARED = 500;
const LONGEST_PREPARED = 20_000;

interface Prepared {
  readonly statement: StatementSync;
  /** A SELECT may be run twice. */
  readonly reads: boolean;
  /** Of its columns, once they are known. */
  names: readonly string[];
}

/** Another process held the database for longer than we waited. */
export class DatabaseBusy extends Error {
  override readonly name = 'DatabaseBusy';
}

/** What runs on a database file, one statement after the other; a lock of another process is waited for. */
export class NodeSqliteConnection {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();
  /** What the last statement failed with. */
  lastError: unknown;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws DatabaseBusy where another process holds the database until `deadlineMs`. */
  async execute<R>(
    { sql, parameters, rows }: Pick<RowsQuery, 'sql' | 'parameters' | 'rows'>,
    deadlineMs: number,
  ): Promise<QueryResult<R>> {
    for (;;) {
      try {
        if (rows !== undefined) return this.#writeRows(sql, rows);
        return { rows: readRows(this.#prepare(sql), parameters as SQLInputValue[]) as R[] };
      } catch (error) {
        this.lastError = error;
        if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
        if (Date.now() >= deadlineMs) throw new DatabaseBusy(String(error));
      }
      await sleep(POLL_MS);
    }
  }

  #writeRows<R>(sql: string, rows: NonNullable<RowsQuery['rows']>): QueryResult<R> {
    const { statement } = this.#prepare(sql);
    for (const values of rows) statement.run(...(values as SQLInputValue[]));
    return { rows: [] };
  }

  /** Statements are kept, since preparing one takes longer than running it. */
  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    const prepared = { statement, reads: /^select\b/i.test(sql), names: [] };
    if (this.#prepared.size >= MOST_PREPARED) this.#prepared.clear();
    // A very long one is for very many rows, and does not come again.
    if (sql.length <= LONGEST_PREPARED) this.#prepared.set(sql, prepared);
    return prepared;
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** One statement without values, of which no lock is to be expected. */
  run(sql: string): void {
    this.#prepare(sql).statement.run();
  }

  /** Of rows, since the file was opened. */
  countChanges(): number {
    const [[count] = []] = readArrays(this.#prepare('select total_changes()').statement, []);
    return Number(count);
  }

  close(): void {
    this.#database.close();
  }
}

/**
 * Whole numbers as numbers, but for those past 2^53: the ids that a migrated file store brings along.
 * Reading all of them as BigInt first takes twice as long, so that is done only for what SQLite would refuse
 * to read otherwise, and for what writes, which must not be run twice.
 */
function readRows(prepared: Prepared, parameters: readonly SQLInputValue[]): unknown[] {
  const { statement, reads } = prepared;
  if (reads) {
    statement.setReadBigInts(false);
    try {
      return nameValues(prepared, readArrays(statement, parameters));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_OUT_OF_RANGE') throw error;
    }
  }
  statement.setReadBigInts(true);
  const rows = readArrays(statement, parameters);
  return nameValues(
    prepared,
    rows.map((values) => values.map(toNumber)),
  );
}

function readArrays(
  statement: StatementSync,
  parameters: readonly SQLInputValue[],
): SQLOutputValue[][] {
  // With `setReturnArrays`, which the types do not know of.
  return statement.all(...parameters) as unknown as SQLOutputValue[][];
}

/** Objects made here cost half of those that node:sqlite makes. */
function nameValues(prepared: Prepared, rows: readonly SQLOutputValue[][]): unknown[] {
  const [first] = rows;
  if (first === undefined) return [];
  if (prepared.names.length !== first.length) {
    prepared.names = prepared.statement.columns().map(({ name }) => name);
  }
  const { names } = prepared;
  return rows.map((values) => {
    const row: Record<string, SQLOutputValue | undefined> = {};
    for (let index = 0; index < names.length; index += 1)
      row[names[index] as string] = values[index];
    return row;
  });
}

function toNumber(value: SQLOutputValue): SQLOutputValue {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
