import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askPython } from '../setup/mlflow.ts';
import {
  type PredictCase,
  predictWithMlflow,
  startTestPredictor,
  type TestedPredictor,
} from '../setup/predictions.ts';

let ours: TestedPredictor;

beforeAll(async () => {
  ours = await startTestPredictor();
});
afterAll(() => ours[Symbol.asyncDispose]());

const NUMBERS = Array.from({ length: 20 }, (_, index) => `f${index}`);
const row = (value: number | string) => NUMBERS.map(() => value).join(',');
const MIXED = 'a boolean,a integer,a long,a float,a double,a string';
const csv = (model: string, input: string): PredictCase => ({ model, input, type: 'csv' });
const json = (model: string, input: string): PredictCase => ({ model, input, type: 'json' });
const jsonl = (model: string, ...records: readonly unknown[]): PredictCase => ({
  model,
  input: records.map((record) => `${JSON.stringify(record)}\n`).join(''),
  type: 'jsonl',
});

const CASES: readonly PredictCase[] = [
  csv('numbers', `${NUMBERS}\n${row(0.5)}\n${row(-0.5)}\n${row(1.5)}\n`),
  csv('numbers', `${NUMBERS}\n${row(1)}\n${row(0)}\n`),
  csv('numbers', `${NUMBERS}\n${row(1)}\n${row(0.5)}\n${row(2)}\n`),
  csv('numbers', `${NUMBERS}\n${row(0.5)}\n${row(7)}\n`),
  csv('numbers', `${NUMBERS}\n${row(7)}\n${row(8)}\n`),
  csv('numbers', `${NUMBERS}\n${row(0.5)}\n${row('x')}\n`),
  csv('numbers', `${NUMBERS}\n`),
  csv('numbers', `${NUMBERS}`),
  csv('numbers', ''),
  csv('numbers', 'a,b\n1,2\n'),
  csv('regression', 'a,b,c\n0.1,0.2,0.3\n,0.5,0.6\n'),
  csv('regression', 'c,b,a,more\n0.1,0.2,0.3,x\n0.4,0.5,0.6,y\n'),
  csv('picky', 'a\n0.5\n-0.5\n'),
  csv('mixed', `${MIXED}\nTrue,1,2,0.5,0.25,x\nFalse,3,4,1.5,1.25,y\n`),
  csv('seeing', 'a\n1\n2.5\n3\n'),
  csv('unsigned', 'a,b\n1,x\n2,y\n3,z\n'),
  csv('unsigned', 'a\n1\n2.5\n3\n'),
  csv('unsigned', 'a,b\n1,1\n,2\n3,3\n'),
  csv('unsigned', 'a,b\nx,\n,\ny,2.5\n'),
  csv('unsigned', 'a,b\n,\n,\n'),
  csv('unsigned', 'a\nTrue\nFalse\n'),
  csv('unsigned', 'a,b\nTrue,1\n,2\nFalse,3\n'),
  csv('unsigned', 'a\nTrue\nno\n'),
  csv('unsigned', 'a\n1\nx\n'),
  csv('unsigned', 'a\n1\n9223372036854775808\n'),
  csv('unsigned', 'a\n1\n99999999999999999999999\n'),
  csv('unsigned', 'a,b\n"x\ny",1\n"z""",2\n'),
  csv('unsigned', 'a,a\n1,2\n3,4\n'),
  csv('unsigned', 'a,b\n1,2,3\n4,5,6\n'),
  csv('unsigned', 'a,b\n1,2\n3\n'),
  csv('unsigned', 'a,b\n1,2\n3,4,5\n'),
  csv('unsigned', '\ufeffa,b\r\n1,2\r\n\r\n3,4\r\n'),
  csv('unsigned', 'a\n\n\n\n1\n\n\n2\n\n\n'),
  csv('unsigned', 'a\n2020-01-01\n2020-01-02\n'),
  csv('custom', 'order,weight\nhello,1.5\nnan,2\n'),
  csv('custom', 'order\nraise\n'),
  csv('tensor', 'a,b,c,d\n1,2,3,4\n5,6,7,8\n'),
  json('numbers', '{"dataframe_split": {"columns": ["f0"], "data": [[1]]}}'),
  json('regression', '{"inputs": {"a": [1], "b": [2], "c": [3]}}'),
  json('regression', '{"dataframe_records": [{"a": 1, "b": 2, "c": 3}]}'),
  json('unsigned', '{"inputs": [1, 2]}'),
  json('unsigned', '{"messages": [{"role": "user", "content": "hi"}]}'),
  json('custom', '{"dataframe_records": [{"order": "a"}], "params": {"temperature": 1.5}}'),
  json('custom', '{"dataframe_records": [{"order": "a"}], "params": {"temperature": "x"}}'),
  json('tensor', '{"inputs": [[1, 2, 3, 4]]}'),
  json('numbers', 'a,b\n1,2'),
  json('numbers', '[1]'),
  json('numbers', ''),
  jsonl('regression', { a: 1, b: 2, c: 3 }, { a: 0.5, b: null, c: 1 }),
  jsonl('regression', { a: 1, b: 2 }),
  jsonl('unsigned', { a: 1 }, { a: 2.5 }, { a: null }),
  jsonl('unsigned', { a: 1 }, { b: 2 }),
  jsonl('unsigned', { a: 'x', b: [1, { c: 2 }] }, { a: 'y', b: null }),
  jsonl('nested', { list: [1, 2], object: { x: 1 }, day: '2024-01-02' }),
  jsonl(
    'nested',
    { list: [1, 2], object: { x: 1, y: 'a' }, day: '2024-01-02' },
    { list: [], object: { x: 2 }, day: '2024-01-03T04:05:06' },
  ),
];

/** Whose answers hold the id of the process. */
const hidePid = (text: string | null | undefined): string | null =>
  text?.replace(/by \d+/g, 'by [PID]') ?? null;

describe('the output is what MLflow writes', () => {
  test.each([
    ['in chunks of a row', { streams: true, chunkBytes: 1 }],
    ['in chunks of a few rows', { streams: true, chunkBytes: 12, workers: 2 }],
    ['whole', { streams: false }],
  ] as const)('%s', async (_, options) => {
    const theirs = await predictWithMlflow(CASES);
    for (const [index, asked] of CASES.entries()) {
      const predicted = await ours.predict(asked, options);
      const shown = `${asked.model} ${JSON.stringify(asked.input)}: ${predicted.error?.message}`;
      expect.soft(hidePid(predicted.output), shown).toBe(hidePid(theirs[index]));
    }
  });

  test('in chunks, whatever is in the columns', async () => {
    const cell = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: -9, max: 99 }).map(String) },
      { weight: 3, arbitrary: fc.constantFrom('1.5', '-0.25', '1e3', 'nan') },
      { weight: 2, arbitrary: fc.constantFrom('', 'True', 'False') },
      { weight: 1, arbitrary: fc.constantFrom('x', '"a,b"', '"q""\nr"', 'NA', '007') },
    );
    // Most columns hold one kind of cells, as real ones do.
    const column = fc.oneof(
      fc.array(fc.integer({ min: 0, max: 1 }).map(String), { minLength: 8, maxLength: 8 }),
      fc.array(cell, { minLength: 8, maxLength: 8 }),
    );
    const tables = fc.sample(fc.tuple(column, column, fc.integer({ min: 1, max: 30 })), 80);
    const cases = tables.map(([a, b]) =>
      csv('unsigned', `a,b\n${a.map((value, index) => `${value},${b[index]}`).join('\n')}\n`),
    );
    const theirs = await predictWithMlflow(cases);
    for (const [index, asked] of cases.entries()) {
      const predicted = await ours.predict(asked, { chunkBytes: tables[index]?.[2] ?? 1 });
      const shown = `${JSON.stringify(asked.input)}: ${predicted.error?.message}`;
      expect.soft(predicted.output, shown).toBe(theirs[index]);
    }
  });
});

describe('an input is read whole where its chunks would give something else, and only there', () => {
  test.each([
    ['numbers', `${NUMBERS}\n${row(0.5)}\n${row(-0.5)}\n`, undefined],
    ['numbers', `${NUMBERS}\n${row(0.5)}\n${row(7)}\n`, undefined],
    ['numbers', `${NUMBERS}\n${row(1)}\n${row(0.5)}\n`, undefined],
    ['unsigned', 'a,b\n1,\n,x\n2.5,y\n', undefined],
    ['unsigned', 'a\nTrue\nno\n', 'column `a` holds bool and str'],
    ['unsigned', 'a,b\n1,2,3\n4,5\n', 'the columns are not always the same'],
    ['numbers', `${NUMBERS}\n`, 'it has no rows'],
  ])('%s %j: %s', async (model, input, reason) => {
    const { notes } = await ours.predict(csv(model, input));
    const whole =
      reason === undefined ? undefined : `the input is read whole, as MLflow does: ${reason}`;
    expect(notes.split('\n').find((line) => line.includes('read whole'))).toBe(whole);
  });

  test('a model whose answer depends on all rows is seen through by what it gives', async () => {
    const { notes, output } = await ours.predict(csv('counting', 'a\n1\n2\n3\n'));
    expect(output).toBe('{"predictions": {"rows": 3, "greeting": null}}');
    expect(notes).toContain('the model gives no rows but one dict');
  });
});

describe('Parquet', () => {
  test.each([
    ['whole numbers', 'a=[1, 2, 3, 4]'],
    ['whole numbers with gaps', 'a=[1, 2, None, 4]'],
    ['texts with gaps', 'a=["x", "y", None, None], b=[0.5, 1.5, 2.5, 3.5]'],
    ['booleans with gaps', 'a=[True, False, True, None]'],
    ['times', 'a=pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", None])'],
    ['lists', 'a=[[1, 2], [], [3], [4]]'],
    ['bytes', 'a=[b"x", b"y", b"z", b""]'],
    ['categories', 'a=pd.Categorical(["x", "y", "z", "x"])'],
    ['an index', 'a=[1, 2, 3, 4]', '.set_index(pd.Index([5, 6, 7, 8]))'],
    ['no rows', 'a=[]'],
  ])('%s', async (_, columns, then = '') => {
    const asked = {
      model: 'unsigned',
      input: await makeParquet(columns, then),
      type: 'parquet',
    } as const;
    const [theirs] = await predictWithMlflow([asked]);
    expect((await ours.predict(asked)).output ?? null).toBe(theirs);
    expect((await ours.predict(asked, { streams: false })).output ?? null).toBe(theirs);
  });
});

/** With two rows in each group. */
async function makeParquet(columns: string, then: string): Promise<Uint8Array> {
  const script = `
import base64, io, json
import pandas as pd
output = io.BytesIO()
pd.DataFrame(dict(${columns}))${then}.to_parquet(output, row_group_size=2)
print(); print(json.dumps(base64.b64encode(output.getvalue()).decode()))`;
  return Buffer.from(await askPython<string>(script), 'base64');
}

describe('other formats hold the same predictions', () => {
  const input = 'a,b\n1,x\n2,"y,z"\n3,\n';
  const inChunks = { streams: true, chunkBytes: 1 };
  test.each([
    ['jsonl', inChunks, '{"a": 1, "b": "x"}\n{"a": 2, "b": "y,z"}\n{"a": 3, "b": NaN}\n'],
    ['csv', inChunks, 'a,b\n1,x\n2,"y,z"\n3,\n'],
  ] as const)('%s', async (format, options, expected) => {
    const asked = csv('unsigned', input);
    expect((await ours.predict(asked, { ...options, format })).output).toBe(expected);
    expect((await ours.predict(asked, { streams: false, format })).output).toBe(expected);
  });

  test('a prediction by itself is a column `prediction`', async () => {
    const asked = csv('regression', 'a,b,c\n1.0,2.0,3.0\n4.5,5.5,6.5\n');
    const list = JSON.parse((await ours.predict(asked)).output ?? '') as { predictions: number[] };
    const lines = ['prediction', ...list.predictions.map(String)];
    expect((await ours.predict(asked, { format: 'csv' })).output).toBe(`${lines.join('\n')}\n`);
  });
});
