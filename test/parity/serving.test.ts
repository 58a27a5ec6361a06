import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  invoke,
  serveTestModel,
  type TestedServer,
} from '../serving/scoring-server.ts';
import type { RunningServer } from '../setup/mlflow.ts';
import { startMlflowScoring } from '../setup/models.ts';

/** MLflow's scoring server and ours are asked the same, model by model: status, media type and body agree. */
const MODELS = [
  'numbers',
  'mixed',
  'seeing',
  'regression',
  'chosen',
  'custom',
  'nested',
  'tensor',
  'unsigned',
] as const;

let theirs: RunningServer;
const ours = new Map<string, TestedServer>();

beforeAll(async () => {
  theirs = await startMlflowScoring(MODELS);
  for (const name of MODELS) ours.set(name, await serveTestModel(name));
}, 300_000);
afterAll(async () => {
  await theirs?.stop();
  for (const server of ours.values()) await server.close();
});

/** Stacks name files and lines of the web server, and process ids differ. */
function comparable({ status, type, body }: Answer): Answer {
  const text = body.replace(/"stack_trace": "(?:[^"\\]|\\.)*"/, '"stack_trace": ""');
  return { status, type, body: text.replace(/ by \d+/g, ' by PID') };
}

async function expectSame(
  name: string,
  body: string | Uint8Array<ArrayBuffer>,
  type?: string,
): Promise<Answer> {
  const [mine, mlflows] = await Promise.all([
    invoke(ours.get(name)?.url ?? '', body, type),
    invoke(`${theirs.uri}/${name}`, body, type),
  ]);
  expect(comparable(mine)).toEqual(comparable(mlflows));
  return mine;
}

const COLUMNS = Array.from({ length: 20 }, (_, index) => `f${index}`);
const ROW = COLUMNS.map((_, index) => index / 7 - 1);
const split = (columns: readonly string[], ...data: readonly (readonly unknown[])[]) =>
  JSON.stringify({ dataframe_split: { columns, data } });
const records = (...rows: readonly object[]) => JSON.stringify({ dataframe_records: rows });
const named = (row: readonly unknown[]) =>
  Object.fromEntries(COLUMNS.map((name, index) => [name, row[index]]));
const csv = [COLUMNS.join(','), ROW.join(','), ROW.join(',')].join('\n');

const MIXED = ['boolean', 'integer', 'long', 'float', 'double', 'string'].map(
  (kind) => `a ${kind}`,
);
const MIXED_ROW = [true, 7, 9, 0.25, 0.1, 'text'];

/** What goes wrong before a model is asked; the same for all of them. */
const MALFORMED: readonly (readonly [body: string | Uint8Array<ArrayBuffer>, type?: string])[] = [
  [''],
  ['{'],
  ['[]'],
  ['[[1, 2]]'],
  ['"text"'],
  ['null'],
  ['3'],
  ['{}'],
  ['{"columns": ["a"], "data": [[1]]}'],
  ['{"dataframe_split": {}, "instances": []}'],
  ['{"dataframe_split": []}'],
  ['{"dataframe_split": 3}'],
  ['{"dataframe_split": {"columns": ["f0"]}}'],
  ['{"dataframe_split": {"columns": ["f0"], "data": [[1, 2]]}}'],
  ['{"dataframe_split": {"columns": ["f0"], "data": [[1]], "more": 1}}'],
  ['{"dataframe_records": {}}'],
  ['{"dataframe_records": [1, 2]}'],
  ['{"dataframe_records": []}'],
  ['{"instances": 1}'],
  ['{"instances": [[1], [2, 3]]}'],
  ['{"inputs": {"a": [1], "b": [1, 2]}}'],
  [new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])],
  ['\ufeff{"dataframe_split": {}}'],
  ['{"dataframe_split": {"columns": ["f0"], "data": [[NaN]]}}'],
  ['{"dataframe_split": {"columns": ["f0"], "data": [[1e999]]}}'],
  [`{"dataframe_split": {"columns": ["f0"], "data": [[${'9'.repeat(400)}]]}}`],
  ['a,b\n1,2', 'text/csv'],
  ['', 'text/csv'],
  [new Uint8Array([0xff, 0xfe]), 'text/csv'],
  ['nonsense', 'application/vnd.apache.parquet'],
  ['{}', 'text/plain'],
  ['{}', 'application/json; charset=latin-1'],
  ['{"dataframe_split": {}}', 'application/json; charset=UTF-8'],
  ['{}', 'application/json; pandas=records'],
  ['{}', 'application/json;'],
];

describe.each(MODELS)('%s: malformed', (name) => {
  test.each(MALFORMED.map(([body, type]) => ({ body, type })))('$body $type', async (asked) => {
    await expectSame(name, asked.body, asked.type);
  });
});

const MIXED_QUESTIONS: readonly (readonly [body: string, type?: string])[] = [
  [split(MIXED, MIXED_ROW)],
  [split(MIXED, MIXED_ROW, [false, -1, -2, -0.5, 1e300, 'größe \ud83d\ude00'])],
  [split(MIXED, [1, 7, 9, 0.25, 0.1, 'text'])],
  [split(MIXED, [true, 1.5, 9, 0.25, 0.1, 'text'])],
  [split(MIXED, [true, 2_147_483_648, 9, 0.25, 0.1, 'text'])],
  [split(MIXED, [true, 7, 1.5, 0.25, 0.1, 'text'])],
  [split(MIXED, [true, 7, 9, 1e39, 0.1, 'text'])],
  [split(MIXED, [true, 7, 9, 0.25, 1, 'text'])],
  [split(MIXED, [true, 7, 9, 0.25, 0.1, 3])],
  [split(MIXED, [true, 7, 9, 0.25, 0.1, null])],
  [split(MIXED, [null, 7, 9, 0.25, 0.1, 'text'])],
  [split(MIXED, [true, null, 9, 0.25, 0.1, 'text'])],
  [split(MIXED, [true, 7, '9', 0.25, 0.1, 'text'])],
  [split(MIXED, ['true', 7, 9, 0.25, 0.1, 'text'])],
  [records(Object.fromEntries(MIXED.map((name, index) => [name, MIXED_ROW[index]])))],
  [
    `{"dataframe_split": {"columns": ${JSON.stringify(MIXED)}, "data": [[true, 7, 9.0, 1, 1, "\\ud800"]]}}`,
  ],
];

const ASKED: Readonly<Record<string, readonly (readonly [body: string, type?: string])[]>> = {
  numbers: [
    [split(COLUMNS, ROW)],
    [
      split(
        COLUMNS,
        ROW,
        ROW.map((value) => -value),
      ),
    ],
    [split([...COLUMNS].reverse(), ROW)],
    [split([...COLUMNS, 'more'], [...ROW, 1])],
    [split(COLUMNS.slice(1), ROW.slice(1))],
    [
      split(
        COLUMNS,
        ROW.map(() => null),
      ),
    ],
    [
      split(
        COLUMNS,
        ROW.map(() => 'text'),
      ),
    ],
    [
      split(
        COLUMNS,
        ROW.map(() => '1.5'),
      ),
    ],
    [
      split(
        COLUMNS,
        ROW.map(() => true),
      ),
    ],
    [
      split(
        COLUMNS,
        ROW.map(() => []),
      ),
    ],
    [split(COLUMNS)],
    [
      split(
        COLUMNS,
        ROW.map(() => -0),
      ),
    ],
    [
      `{"dataframe_split": {"columns": ${JSON.stringify(COLUMNS)}, "data": [[${ROW.map(() => '-0')}]]}}`,
    ],
    [
      `{"dataframe_split": {"columns": ${JSON.stringify(COLUMNS)}, "data": [[${ROW.map(() => '1e400')}]]}}`,
    ],
    [
      `{"dataframe_split": {"columns": ${JSON.stringify(COLUMNS)}, "data": [[${ROW.map(() => '123456789012345678901')}]]}}`,
    ],
    [JSON.stringify({ dataframe_split: { columns: COLUMNS, data: [ROW], index: [7] } })],
    [JSON.stringify({ dataframe_split: { columns: COLUMNS, data: [ROW] }, params: { a: 1 } })],
    [JSON.stringify({ dataframe_split: { columns: COLUMNS, data: [ROW] }, other: 1 })],
    [records(named(ROW), named(ROW))],
    [records(named(ROW), { f0: 1 })],
    [records({ ...named(ROW), more: 1 })],
    [JSON.stringify({ instances: [named(ROW)] })],
    [JSON.stringify({ instances: [ROW] })],
    [JSON.stringify({ inputs: [named(ROW)] })],
    [JSON.stringify({ inputs: named(ROW.map((value) => [value])) })],
    [csv, 'text/csv'],
    [csv, 'text/csv; charset=utf-8'],
    [csv.replace('f3', 'g3'), 'text/csv'],
    [split(COLUMNS, ROW), 'application/json; charset=utf-8'],
    [` ${split(COLUMNS, ROW)}`],
  ],
  mixed: MIXED_QUESTIONS,
  seeing: MIXED_QUESTIONS,
  regression: [
    [split(['a', 'b', 'c'], [1, 2, 3], [0.1, 0.2, 0.3])],
    [split(['a', 'b', 'c'], [1e308, 1e308, -1e308])],
    [split(['a', 'b', 'c'], [5e-324, 1e-5, 123456789.1234])],
    [JSON.stringify({ inputs: { a: [1], b: [2], c: [3] } })],
    [JSON.stringify({ instances: [{ a: 1, b: 2, c: 3 }] })],
  ],
  custom: [
    [split(['order'], ['hello'])],
    [split(['order', 'weight'], ['hello', 1.5])],
    [split(['order'], ['nan'])],
    [split(['order'], ['raise'])],
    [split(['order'], ['print'])],
    [
      JSON.stringify({
        dataframe_split: { columns: ['order'], data: [['a']] },
        params: { temperature: 1 },
      }),
    ],
    [
      JSON.stringify({
        dataframe_split: { columns: ['order'], data: [['a']] },
        params: { temperature: 'x' },
      }),
    ],
    [
      JSON.stringify({
        dataframe_split: { columns: ['order'], data: [['a']] },
        params: { none: 1 },
      }),
    ],
    [JSON.stringify({ inputs: ['a', 'b'] })],
    [JSON.stringify({ messages: [{ role: 'user', content: 'hi' }] })],
    [JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], temperature: 0.1 })],
    [JSON.stringify({ input: 'hi' })],
    ['order\nhello\n', 'text/csv'],
  ],
  nested: [
    [records({ list: [1, 2.5], object: { x: 1, y: 'a' }, day: '2024-01-02' })],
    [records({ list: [], object: { x: 1 }, day: '2024-01-02T03:04:05' })],
    [records({ list: ['a'], object: { x: 1 }, day: '2024-01-02' })],
    [records({ list: [1], object: { z: 1 }, day: '2024-01-02' })],
    [records({ list: [1], object: { x: 1 }, day: 'no day' })],
    [JSON.stringify({ inputs: [{ list: [1], object: { x: 1 }, day: '2024-01-02' }] })],
  ],
  tensor: [
    [JSON.stringify({ inputs: [[1, 2, 3, 4]] })],
    [
      JSON.stringify({
        instances: [
          [1, 2, 3, 4],
          [5, 6, 7, 8],
        ],
      }),
    ],
    [JSON.stringify({ inputs: [[1, 2, 3]] })],
    [JSON.stringify({ inputs: [['a', 'b', 'c', 'd']] })],
    [split(['a', 'b', 'c', 'd'], [1, 2, 3, 4])],
  ],
  unsigned: [
    [split(['a', 'b'], [1, 'x'], [null, 'y'])],
    [records({ a: 1 }, { b: 2 })],
    [JSON.stringify({ inputs: [1, 2, 3] })],
    [JSON.stringify({ instances: [{ a: 1 }, { a: 2 }] })],
    [JSON.stringify({ messages: [{ role: 'user', content: 'hi' }] })],
    ['a,b\n1,2\n,x\n', 'text/csv'],
  ],
};

describe.each(Object.entries(ASKED))('%s: asked', (name, questions) => {
  test('the first question is answered with a prediction', async () => {
    const [body = '', type] = questions[0] ?? [];
    expect((await expectSame(name, body, type)).status).toBe(200);
  });

  test.each(questions)('%s', async (body = '', type) => {
    await expectSame(name, body, type);
  });
});

describe('without a content type, and other paths', () => {
  test('no content type', async () => {
    await expectSame('numbers', new Uint8Array([0x7b]), undefined);
  });

  test.each([
    ['GET', '/ping'],
    ['GET', '/health'],
    ['GET', '/version'],
    ['GET', '/invocations'],
    ['POST', '/ping'],
    ['GET', '/nothing'],
    ['POST', '/invocations/'],
  ])('%s %s', async (method, path) => {
    const ask = async (url: string) => {
      const response = await fetch(`${url}${path}`, { method, redirect: 'manual' });
      return [response.status, response.headers.get('content-type'), await response.text()];
    };
    expect(await ask(ours.get('numbers')?.url ?? '')).toEqual(await ask(`${theirs.uri}/numbers`));
  });
});

describe('the quick way', () => {
  test('is taken where it can be, and no further', () => {
    const quick = MODELS.filter((name) => ours.get(name)?.takesColumns);
    expect(quick).toEqual(['numbers', 'mixed', 'seeing', 'regression', 'chosen']);
  });

  test('gives what MLflow gives, whatever is asked', async () => {
    const cell = fc.oneof(
      { weight: 8, arbitrary: fc.double({ noNaN: true }) },
      fc.integer(),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.string(),
      fc.constant(null),
    );
    const typed = fc.tuple(
      fc.boolean(),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'grapheme' }),
    );
    const loose = fc.tuple(cell, cell, cell, cell, cell, cell);
    const row = fc.oneof({ weight: 4, arbitrary: typed }, loose);
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 4 }), async (rows) => {
        await expectSame('mixed', split(MIXED, ...rows));
        await expectSame('seeing', split(MIXED, ...rows));
      }),
      { numRuns: 100 },
    );
  });

  test('gives what MLflow gives, whatever the numbers and the order of their columns', async () => {
    const number = fc.oneof(
      { weight: 9, arbitrary: fc.float({ noNaN: true }) },
      fc.double(),
      fc.integer(),
    );
    const rowsOf = (columns: readonly string[]) =>
      fc.tuple(
        fc.shuffledSubarray([...columns], { minLength: columns.length }),
        fc.array(fc.array(number, { minLength: columns.length, maxLength: columns.length }), {
          minLength: 1,
          maxLength: 9,
        }),
      );
    await fc.assert(
      fc.asyncProperty(
        rowsOf(COLUMNS),
        rowsOf(['a', 'b', 'c']),
        async ([all, many], [few, rows]) => {
          await expectSame('numbers', split(all, ...many));
          await expectSame('regression', split(few, ...rows));
          await expectSame('chosen', split(few, ...rows));
        },
      ),
      { numRuns: 50 },
    );
  });
});
