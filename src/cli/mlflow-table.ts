const COLUMN_GAP = '  ';
const NARROWEST = 4;

/**
 * A table as MLflow's own verbs print it, to the last space (`mlflow/utils/string_utils.py`,
 * `_create_table`); without rows it has no columns either.
 */
export function renderMlflowTable(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths =
    rows.length === 0 ? [] : headers.map((header, index) => fitColumn(header, rows, index));
  const pad = (cells: readonly string[]) =>
    widths.map((width, index) => padEnd(cells[index] ?? '', width)).join(COLUMN_GAP);
  const line = widths.map((width) => '-'.repeat(width)).join(COLUMN_GAP);
  return [pad(headers), line, ...rows.map(pad)].join('\n');
}

function fitColumn(header: string, rows: readonly (readonly string[])[], index: number): number {
  const lengths = rows.map((row) => lengthOf(row[index] ?? ''));
  return Math.max(...lengths, header.length + 2, NARROWEST);
}

/** Characters as Python counts them. */
function lengthOf(text: string): number {
  return [...text].length;
}

function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - lengthOf(text)));
}
