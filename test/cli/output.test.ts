import { expect, test } from 'vitest';
import { type Column, type OutputFormat, printRows } from '../../src/cli/output.ts';
import { createTestContext } from '../setup/context.ts';

interface Row {
  readonly name: string;
  readonly note: string;
}

const ROWS: readonly Row[] = [
  { name: 'a', note: 'one, "two"' },
  { name: 'bbb', note: '' },
];
const COLUMNS: readonly Column<Row>[] = [
  { heading: 'NAME', cell: ({ name }) => name },
  { heading: 'NOTE', cell: ({ note }) => note },
];

async function print(rows: readonly Row[], format: OutputFormat): Promise<string> {
  const { terminal, said } = createTestContext();
  await printRows(rows, COLUMNS, format, terminal);
  return said.stdout;
}

test.each([
  ['table', 'NAME  NOTE\na     one, "two"\nbbb\n'],
  ['csv', 'NAME,NOTE\na,"one, ""two"""\nbbb,\n'],
  ['jsonl', `${JSON.stringify(ROWS[0])}\n${JSON.stringify(ROWS[1])}\n`],
  ['json', `${JSON.stringify(ROWS, null, 2)}\n`],
] as const)('rows as %s', async (format, text) => {
  expect(await print(ROWS, format)).toBe(text);
});

test.each([
  ['table', 'NAME  NOTE\n'],
  ['csv', 'NAME,NOTE\n'],
  ['jsonl', ''],
  ['json', '[]\n'],
] as const)('no rows as %s', async (format, text) => {
  expect(await print([], format)).toBe(text);
});
