import { type Kysely, sql } from 'kysely';
import { type ColumnDefinition, parseTableDefinition, quoteName } from './table-definition.ts';
import type { Tables } from './tables.ts';

export interface PresentColumn {
  readonly table: string;
  readonly column: string;
}

/**
 * What lets every query for the newest tables read an older database: temporary views, which stand before tables
 * of the same name. A column that came later holds its default, or NULL; a table that came later is empty.
 *
 * @param newest the statements that make the newest tables
 * @param schema where the tables are that the views read
 */
export function completeSchema(
  newest: string,
  present: readonly PresentColumn[],
  schema: string,
): string {
  const columnsOf = Map.groupBy(present, ({ table }) => table);
  const views = (newest.match(/^CREATE TABLE .*?\);$/gms) ?? []).map((statement) => {
    const { name, columns } = parseTableDefinition(statement);
    const found = new Set(columnsOf.get(name)?.map(({ column }) => column));
    if (columns.every((column) => found.has(column.name))) return '';
    const from = found.size === 0 ? 'WHERE 1 = 0' : `FROM ${quoteName(schema)}.${quoteName(name)}`;
    const shown = columns.map((column) =>
      found.has(column.name) ? quoteName(column.name) : makeUp(column),
    );
    return `CREATE TEMPORARY VIEW ${quoteName(name)} AS SELECT ${shown.join(', ')} ${from};\n`;
  });
  return views.join('');
}

function makeUp({ name, rest }: ColumnDefinition): string {
  const [, type = 'TEXT'] = /^(.+?)(?: DEFAULT| NOT NULL| GENERATED|$)/.exec(rest) ?? [];
  const [, value = 'NULL'] = /\bDEFAULT ('(?:[^']|'')*'|\w+)/.exec(rest) ?? [];
  return `CAST(${value} AS ${type}) AS ${quoteName(name)}`;
}

/** Whether there is an experiment or a registered model; false where there are no such tables yet. */
export async function holdsData(database: Kysely<Tables>): Promise<boolean> {
  const question = sql`
    select 1 from experiments union all select 1 from registered_models limit 1`;
  return question.execute(database).then(
    ({ rows }) => rows.length > 0,
    () => false,
  );
}
