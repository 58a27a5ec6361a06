/** A `CREATE TABLE` statement, taken apart; the texts are kept as they were written. */
export interface TableDefinition {
  readonly name: string;
  readonly columns: readonly ColumnDefinition[];
  readonly constraints: readonly string[];
  /** What stands after the closing bracket. */
  readonly options: string;
}

export interface ColumnDefinition {
  readonly name: string;
  /** Type, default and so on: all but the name. */
  readonly rest: string;
}

const NAME = /^\s*("(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\]|[^\s(]+)\s*/;

/** Reads what SQLAlchemy, SQLite or pg_dump wrote. @throws Error for something else. */
export function parseTableDefinition(statement: string): TableDefinition {
  const [head = ''] = /^\s*CREATE TABLE\s+/i.exec(statement) ?? [];
  const [named = '', name = ''] = NAME.exec(statement.slice(head.length)) ?? [];
  const start = head.length + named.length;
  if (head === '' || statement[start] !== '(') throw new Error(`no table: ${statement}`);
  const { parts, end } = splitList(statement, start + 1);
  return {
    name: unquote(name),
    columns: parts.filter((part) => !isConstraint(part)).map(parseColumn),
    constraints: parts.filter(isConstraint),
    options: statement.slice(end + 1),
  };
}

export function renderTableDefinition({
  name,
  columns,
  constraints,
  options,
}: TableDefinition): string {
  const parts = [
    ...columns.map((column) => `${quoteName(column.name)} ${column.rest}`),
    ...constraints,
  ];
  return `CREATE TABLE ${quoteName(name)} (\n\t${parts.join(',\n\t')}\n)${options}`;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function parseColumn(text: string): ColumnDefinition {
  const [named = '', name = ''] = NAME.exec(text) ?? [];
  return { name: unquote(name), rest: text.slice(named.length) };
}

function isConstraint(part: string): boolean {
  return /^(CONSTRAINT|PRIMARY KEY|UNIQUE|CHECK|FOREIGN KEY)\b/i.test(part);
}

function unquote(name: string): string {
  if (/^["`]/.test(name))
    return name.slice(1, -1).replaceAll(name.charAt(0).repeat(2), name.charAt(0));
  return name.startsWith('[') ? name.slice(1, -1) : name;
}

/** Splits at the commas that are in no bracket and no quotes, up to the closing bracket. */
function splitList(text: string, start: number): { parts: string[]; end: number } {
  const parts: string[] = [];
  let depth = 0;
  let from = start;
  for (const { 0: found, index } of text.matchAll(
    /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[(),]/g,
  )) {
    if (index < start) continue;
    if (found === '(') depth += 1;
    else if (found === ')') depth -= 1;
    const isEnd = depth < 0;
    if (!isEnd && (found !== ',' || depth > 0)) continue;
    parts.push(text.slice(from, index).trim());
    if (isEnd) return { parts, end: index };
    from = index + 1;
  }
  throw new Error(`no end of the table: ${text}`);
}
