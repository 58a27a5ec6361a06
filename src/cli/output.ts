import { Option } from 'commander';
import type { Terminal } from '../host/terminal.ts';

export const OUTPUT_FORMATS = ['table', 'json', 'jsonl', 'csv'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** One column: its heading, which is also its name in CSV, and the text of a row's cell. */
export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
}

/** `--output`: a table for people by default, the other formats for scripts. */
export function createOutputOption(formats: readonly OutputFormat[] = OUTPUT_FORMATS): Option {
  return new Option('-o, --output <format>', 'how to show it').choices(formats).default('table');
}

/**
 * Prints rows to stdout. JSON and JSON lines hold the rows as they are, table and CSV the cells of
 * `columns`; without rows a table is empty, JSON is `[]` and CSV its headings.
 */
export async function printRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  format: OutputFormat,
  terminal: Terminal,
): Promise<void> {
  switch (format) {
    case 'json':
      return terminal.print(JSON.stringify(rows, null, 2));
    case 'jsonl':
      if (rows.length > 0) terminal.print(rows.map((row) => JSON.stringify(row)).join('\n'));
      return;
    case 'csv':
      return terminal.print(await renderCsv(rows, columns));
    case 'table':
      return terminal.print(await renderTable(rows, columns, terminal));
  }
}

/** As `printRows`, page by page: JSON lines and CSV are printed as they come, and not kept. */
export async function printPages<Row>(
  pages: AsyncIterable<readonly Row[]>,
  columns: readonly Column<Row>[],
  format: OutputFormat,
  terminal: Terminal,
): Promise<void> {
  const kept: Row[] = [];
  let isFirst = true;
  for await (const page of pages) {
    if (format === 'jsonl') await printRows(page, columns, format, terminal);
    else if (format !== 'csv') kept.push(...page);
    else if (isFirst) await printRows(page, columns, format, terminal);
    else terminal.print(await formatCsv(toCells(page, columns)));
    isFirst = false;
    await terminal.flush();
  }
  if (format === 'json' || format === 'table') await printRows(kept, columns, format, terminal);
}

function renderCsv<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): Promise<string> {
  return formatCsv([columns.map(({ heading }) => heading), ...toCells(rows, columns)]);
}

async function formatCsv(lines: readonly (readonly string[])[]): Promise<string> {
  const { stringify } = await import('csv-stringify/sync');
  return stringify(lines as string[][]).replace(/\n$/, '');
}

const NO_LINES = {
  ...Object.fromEntries(
    ['top', 'bottom', 'left', 'right', 'mid', 'middle'].flatMap((side) =>
      ['', '-left', '-mid', '-right'].map((end) => [`${side}${end}`, '']),
    ),
  ),
  middle: '  ',
};

/** Columns as wide as what is in them, two spaces between them: fit for `awk`, and for narrow terminals to cut. */
async function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { style, columns: width }: Terminal,
): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const table = new Table({
    head: columns.map(({ heading }) => (width === undefined ? heading : style.dim(heading))),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...toCells(rows, columns));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function toCells<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string[][] {
  return rows.map((row) => columns.map(({ cell }) => cell(row)));
}
