import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type PredictCase,
  predictWithMlflow,
  startTestPredictor,
  type TestedPredictor,
} from '../setup/predictions.ts';

/** What a CSV file may look like; in chunks of any size it gives what MLflow makes of the whole. */
let ours: TestedPredictor;
beforeAll(async () => {
  ours = await startTestPredictor();
});
afterAll(() => ours[Symbol.asyncDispose]());

const KINDS: readonly (readonly string[])[] = [
  ['0', '1', '-7', '+3', '007', ' 5', '6 '],
  ['9007199254740993', '9223372036854775807', '-9223372036854775808'],
  ['9223372036854775808', '18446744073709551615', '18446744073709551616'],
  [
    '1.5',
    '.5',
    '5.',
    '1e3',
    '1E-3',
    '-1.25e+10',
    '1e400',
    '4.9e-324',
    '0.1',
    '123456789.123456789',
  ],
  ['True', 'False', 'TRUE', 'true', 'false'],
  ['', '', 'NaN', 'nan', 'NA', 'N/A', 'null', 'NULL', 'None', '#N/A', '-nan', '<NA>', 'n/a'],
  ['inf', '-inf', 'Infinity', '-Infinity', 'INF'],
  ['x', 'größe', '\u{1f600}', 'a b', "it's", ' lead', '日本', 'no break', '\u2028', '\u0085'],
  ['"a,b"', '"q""r"', '""', '"line\nfeed"', '"both\r\nends"', '"1"', '" "', '""""', '"a\tb"'],
  ['2024-01-02', '12:30', '1_000', '0x10', '1j', '$3'],
  ['1,5', '1,5', '2,5', '1', 'x,y,z', ','],
  ['a"b', 'a"b"c', '"ab"c'],
];

/** Most columns hold one kind of cells, as real ones do. */
const column = fc
  .oneof(
    { weight: 5, arbitrary: fc.nat(KINDS.length - 1).map((kind) => [kind]) },
    { weight: 2, arbitrary: fc.nat(KINDS.length - 1).map((kind) => [kind, 5]) },
    { weight: 1, arbitrary: fc.array(fc.nat(KINDS.length - 1), { minLength: 2, maxLength: 3 }) },
  )
  .chain((kinds) => {
    const cells = kinds.flatMap((kind) => KINDS[kind] ?? []);
    return fc.array(fc.constantFrom(...cells), { minLength: 1, maxLength: 9 });
  });

const HEADERS = [
  'a,b,c',
  'a,a,b',
  'a,b,c\u00e9',
  '"a, x",b,c',
  ' a,b ,c',
  'a,,b',
  'a,b',
  '1,2,3',
  'a,a.1,a',
];

const table = fc.record({
  header: fc.oneof({ weight: 3, arbitrary: fc.constant('a,b,c') }, fc.constantFrom(...HEADERS)),
  columns: fc.tuple(column, column, column),
  end: fc.constantFrom('\n', '\n', '\n', '\r\n'),
  start: fc.constantFrom('', '', '', '\ufeff', '\n', '\n\n'),
  blank: fc.constantFrom('', '', '', '\n', ' \n', ',,\n', '\t\n'),
  last: fc.constantFrom('', '\n', '\n\n', ','),
  chunkBytes: fc.integer({ min: 1, max: 60 }),
});

type TableText = typeof table extends fc.Arbitrary<infer One> ? One : never;

function write({ header, columns, end, start, blank, last }: TableText): string {
  const rows = Array.from({ length: Math.min(...columns.map(({ length }) => length)) }, (_, row) =>
    columns.map((cells) => cells[row]).join(','),
  );
  const middle = Math.floor(rows.length / 2);
  const lines = [
    header,
    ...rows.slice(0, middle),
    ...(blank ? [blank.trimEnd()] : []),
    ...rows.slice(middle),
  ];
  return `${start}${lines.join(end)}${last}`;
}

test('any CSV in chunks gives what MLflow makes of the whole', async () => {
  const tables = fc.sample(table, 300);
  const cases = tables.map(
    (one): PredictCase => ({ model: 'unsigned', input: write(one), type: 'csv' }),
  );
  const theirs = await predictWithMlflow(cases);
  expect(theirs.filter((output) => output !== null).length).toBeGreaterThan(100);
  for (const [index, asked] of cases.entries()) {
    const { output, error } = await ours.predict(asked, {
      chunkBytes: tables[index]?.chunkBytes ?? 1,
    });
    const shown = `${JSON.stringify(asked.input)}: ${error?.message}`;
    expect.soft(output ?? null, shown).toBe(theirs[index]);
  }
}, 120_000);

test('gaps beside integers that need 64 bits stay the text that pandas leaves them', async () => {
  const asked: PredictCase = {
    model: 'unsigned',
    input: 'a,b\nx,\ny,9223372036854775808\nz,\nw,\nv,nan\n',
    type: 'csv',
  };
  const [theirs] = await predictWithMlflow([asked]);
  for (let chunkBytes = 1; chunkBytes < 60; chunkBytes += 1) {
    const { output } = await ours.predict(asked, { chunkBytes });
    expect.soft(output, `${chunkBytes} bytes`).toBe(theirs);
  }
});
