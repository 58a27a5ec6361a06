import type { DatabaseSync } from 'node:sqlite';
import {
  type ColumnDefinition,
  parseColumn,
  parseTableDefinition,
  quoteName,
  renderTableDefinition,
  type TableDefinition,
} from '../table-definition.ts';
import type { ConstraintMatch, DialectWords, TableChange } from './migration.ts';

export const SQLITE_WORDS: DialectWords = {
  false: '0',
  blob: 'BLOB',
  identity: 'INTEGER NOT NULL',
  covering: '',
};

/**
 * SQLite changes little of a table in place: what it cannot, is done by making the table anew and moving its rows
 * (https://sqlite.org/lang_altertable.html, section 7). Columns, indexes and triggers that are not MLflow's stay.
 */
export function alterSqliteTable(file: DatabaseSync, table: string, change: TableChange): void {
  const { addColumns = [], ...rest } = change;
  if (Object.values(rest).some((value) => Object.keys(value).length > 0)) {
    rebuildTable(file, table, (definition) => changeDefinition(definition, change));
    return;
  }
  for (const column of addColumns) {
    file.exec(`ALTER TABLE ${quoteName(table)} ADD COLUMN ${column}`);
  }
}

/** The columns that rows are stored with; not the generated ones. */
export function listStoredColumns(file: DatabaseSync, table: string): readonly string[] {
  const columns = file.prepare('select name, hidden from pragma_table_xinfo(?)').all(table);
  return columns.filter(({ hidden }) => hidden === 0).map(({ name }) => String(name));
}

function rebuildTable(
  file: DatabaseSync,
  table: string,
  edit: (definition: TableDefinition) => TableDefinition,
): void {
  const before = parseTableDefinition(readSql(file, table, ['table'])[0] ?? '');
  const belongings = readSql(file, table, ['index', 'trigger']);
  const after = { ...edit(before), name: `_mlts_new_${table}` };
  const names = new Set(after.columns.map(({ name }) => name));
  const kept = listStoredColumns(file, table)
    .filter((name) => names.has(name))
    .map(quoteName)
    .join(', ');
  const [old, made] = [quoteName(table), quoteName(after.name)];
  file.exec(renderTableDefinition(after));
  file.exec(`INSERT INTO ${made} (${kept}) SELECT ${kept} FROM ${old}`);
  file.exec(`DROP TABLE ${old}`);
  file.exec(`ALTER TABLE ${made} RENAME TO ${old}`);
  for (const sql of belongings) file.exec(sql);
}

function readSql(file: DatabaseSync, table: string, types: readonly string[]): readonly string[] {
  const rows = file
    .prepare('select type, sql from sqlite_master where tbl_name = ? and sql is not null')
    .all(table);
  return rows.filter(({ type }) => types.includes(String(type))).map(({ sql }) => String(sql));
}

function changeDefinition(
  { columns, constraints, ...table }: TableDefinition,
  change: TableChange,
): TableDefinition {
  const { dropConstraints = [], dropColumns = [], addColumns = [], addConstraints = [] } = change;
  const kept = columns.filter(({ name }) => !dropColumns.includes(name));
  return {
    ...table,
    columns: [
      ...kept.map((column) => changeColumn(column, change)),
      ...addColumns.map(parseColumn),
    ],
    constraints: [
      ...constraints.filter((text) => !dropConstraints.some((match) => matches(text, match))),
      ...addConstraints,
    ],
  };
}

function changeColumn(
  { name, rest }: ColumnDefinition,
  { types = {}, required = [] }: TableChange,
): ColumnDefinition {
  const type = types[name];
  const typed = type === undefined ? rest : rest.replace(/^\w+(\s*\([^)]*\))?/, type);
  const isOpen = required.includes(name) && !/\bNOT NULL\b/i.test(typed);
  return { name, rest: isOpen ? `${typed} NOT NULL` : typed };
}

function matches(constraint: string, match: ConstraintMatch): boolean {
  const text = constraint.replace(/^CONSTRAINT\s+("[^"]+"|\S+)\s+/i, '').replaceAll('"', '');
  switch (match.kind) {
    case 'primary key':
      return /^PRIMARY KEY/i.test(text);
    case 'foreign key':
      return new RegExp(`^FOREIGN KEY.*REFERENCES\\s+${match.to}\\b`, 'is').test(text);
    case 'unique':
      return new RegExp(`^UNIQUE\\s*\\(\\s*${match.column}\\s*\\)`, 'i').test(text);
  }
}
