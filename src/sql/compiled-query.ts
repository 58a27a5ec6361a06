import { type Compilable, CompiledQuery, type DialectAdapter, type Kysely } from 'kysely';
import { RowByRowAdapter } from './sqlite-dialect.ts';
import type { Tables } from './tables.ts';

/** Stands in a query for a value that is known only when it runs. */
class Slot {
  readonly row: number;
  readonly name: string;

  constructor(row: number, name: string) {
    this.row = row;
    this.name = name;
  }
}

type Row = Readonly<Record<string, unknown>>;

/** Its values may be slots. */
type Template = Pick<CompiledQuery, 'sql' | 'parameters'>;

/**
 * A query that kysely compiles once and not for each request: compiling takes longer than what SQLite does for it.
 * `build` is given stand-ins for the values: it must put them into the query and not look at them.
 */
export function compileOnce<Values extends object, Found>(
  build: (database: Kysely<Tables>, values: Values) => Compilable<Found>,
): (database: Kysely<Tables>, values: Values) => Promise<Found[]> {
  const compiled = new WeakMap<DialectAdapter, Template>();
  return (database, values) => {
    const { adapter } = database.getExecutor();
    const template = compiled.get(adapter) ?? keep(build(database, makeSlots() as Values));
    compiled.set(adapter, template);
    return run<Found>(database, template, [values as Row]);
  };
}

/** For a connection that runs one statement for each of `rows`: several in one cost SQLite a copy of all they change. */
export interface RowsQuery extends CompiledQuery {
  readonly rows?: readonly (readonly unknown[])[];
}

/**
 * As `compileOnce`, for what writes any number of rows: one statement for each where the database prefers it, else one
 * for all, which is compiled once for each number of them.
 */
export function compileForRows<Item extends object>(
  columns: readonly (keyof Item & string)[],
  build: (database: Kysely<Tables>, rows: readonly Item[]) => Compilable<unknown>,
): (database: Kysely<Tables>, rows: readonly Item[]) => Promise<void> {
  const compiled = new WeakMap<DialectAdapter, Map<number, Template>>();
  const compile = (database: Kysely<Tables>, count: number): Template => {
    const slots = Array.from({ length: count }, (_, row) =>
      Object.fromEntries(columns.map((name) => [name, new Slot(row, name)])),
    );
    return keep(build(database, slots as unknown as readonly Item[]));
  };
  return async (database, rows) => {
    const { adapter } = database.getExecutor();
    const isOneByOne = adapter instanceof RowByRowAdapter;
    const count = isOneByOne ? 1 : rows.length;
    const byCount = compiled.get(adapter) ?? new Map<number, Template>();
    compiled.set(adapter, byCount);
    const template = byCount.get(count) ?? compile(database, count);
    byCount.set(count, template);
    if (isOneByOne) await runRows(database, template, rows as readonly Row[]);
    else await run(database, template, rows as readonly Row[]);
  };
}

function makeSlots(): object {
  return new Proxy({}, { get: (_, name) => new Slot(0, String(name)) });
}

/** Without the tree that it was made of. */
function keep(query: Compilable): Template {
  const { sql, parameters } = query.compile();
  return { sql, parameters };
}

async function run<Found>(
  database: Kysely<Tables>,
  { sql, parameters }: Template,
  rows: readonly Row[],
): Promise<Found[]> {
  const values = fill(parameters, rows);
  return (await database.executeQuery<Found>(CompiledQuery.raw(sql, values))).rows;
}

async function runRows(
  database: Kysely<Tables>,
  { sql, parameters }: Template,
  rows: readonly Row[],
): Promise<void> {
  const filled = rows.map((row) => fill(parameters, [row]));
  const query: RowsQuery = { ...CompiledQuery.raw(sql), rows: filled };
  await database.executeQuery(query);
}

function fill(parameters: readonly unknown[], rows: readonly Row[]): unknown[] {
  return parameters.map((value) => (value instanceof Slot ? rows[value.row]?.[value.name] : value));
}
