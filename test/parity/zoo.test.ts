import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, invoke, serveModelFolder } from '../serving/scoring-server.ts';
import { createTestContext } from '../setup/context.ts';
import type { RunningServer } from '../setup/mlflow.ts';
import {
  type ModelFolder,
  makeServingFolder,
  SAME_SETS,
  startMlflowScoring,
} from '../setup/models.ts';
import { type PredictCase, predictWithMlflow, startTestPredictor } from '../setup/predictions.ts';
import { ensureHouse, type HouseName, NotInstalled, pathOf, whyNoHouse } from '../setup/zoo.ts';

/** Models of many libraries, asked of MLflow's scoring server and of ours: status, media type and body agree. */
type Question = readonly [body: string, type?: string];

const json = JSON.stringify;
const split = (columns: readonly string[], ...data: readonly (readonly unknown[])[]) =>
  json({ dataframe_split: { columns, data } });

/** What goes wrong in most models, and must do so in the same words. */
const ALL: readonly Question[] = [
  ['{'],
  ['{}'],
  ['[]'],
  ['[[1, 2, 3]]'],
  ['{"instances": 1}'],
  ['{"inputs": []}'],
  ['{"inputs": null}'],
  ['{"inputs": "text"}'],
  ['{"inputs": {"a": [1], "b": [1, 2]}}'],
  ['{"dataframe_split": {"columns": ["a"], "data": []}}'],
  ['{"dataframe_records": []}'],
  ['{"inputs": [[1, 2, 3]], "params": {"none": 1}}'],
  ['a', 'text/csv'],
  ['', 'text/csv'],
  ['{}', 'text/plain'],
];

const NUMBERS: readonly Question[] = [
  [split(['a', 'b', 'c'], [0.5, 1.5, -2.5], [1e-5, 1.25, 3.75])],
  [split(['c', 'b', 'a'], [0.5, 1.5, -2.5])],
  [split(['a', 'b', 'c'], [1, 2, 3])],
  [split(['a', 'b', 'c'], [0.5, 2, 0.25])],
  [split(['a', 'b', 'c'], [0.5, null, 0.25], [0.5, 3, null])],
  [split(['a', 'b', 'c'], [null, null, null])],
  [split(['a', 'b', 'c'], ['x', 1.5, 0.5])],
  [split(['a', 'b', 'c'], [1e300, 1.5, 0.5])],
  [split(['a', 'b', 'c', 'd'], [0.5, 1.5, -2.5, 9])],
  [split(['a', 'b'], [0.5, 1.5])],
  [split(['x', 'y', 'z'], [0.5, 1.5, -2.5])],
  [json({ dataframe_split: { columns: ['a', 'b', 'c'], index: [7], data: [[0.5, 1.5, 2.5]] } })],
  [json({ dataframe_split: { data: [[0.5, 1.5, 2.5]] } })],
  [json({ dataframe_records: [{ a: 0.5, b: 1.5, c: 2.5 }, { a: 1.5 }] })],
  [json({ inputs: [[0.5, 1.5, 2.5]] })],
  [json({ inputs: [0.5, 1.5, 2.5] })],
  [json({ inputs: { a: [0.5, 2], b: [1.5, 3], c: [2.5, 4] } })],
  [json({ inputs: { a: 0.5, b: 1.5, c: 2.5 } })],
  [
    json({
      instances: [
        [0.5, 1.5, 2.5],
        [1, 2, 3],
      ],
    }),
  ],
  [json({ instances: [[0.5, 1.5]] })],
  [json({ instances: [{ a: 0.5, b: 1.5, c: 2.5 }] })],
  [json({ instances: [['a', 'b', 'c']] })],
  ['a,b,c\n0.5,1.5,2.5\n1,2,3\n', 'text/csv'],
  ['a,b,c\n1,2,3\n', 'text/csv'],
  ['a,b,c\n0.5,,x\n', 'text/csv'],
];

const TEXTS: readonly Question[] = [
  [json({ inputs: 'very good' })],
  [json({ inputs: ['very good', 'bad', ''] })],
  [json({ inputs: [1, 2] })],
  [json({ inputs: [null] })],
  [json({ inputs: ['good'], params: { top_k: 2 } })],
  [json({ inputs: ['good'], params: { top_k: 'x' } })],
  [json({ instances: ['very good', 'bad'] })],
  [json({ instances: [{ text: 'very good' }] })],
  [split(['text'], ['very good'], ['bad'])],
  [split(['0'], ['very good'], ['bad'])],
  [json({ dataframe_records: [{ text: 'very good' }, { text: null }] })],
  ['text\nvery good\n"bad, bad"\n', 'text/csv'],
  [json({ messages: [{ role: 'user', content: 'good' }] })],
];

const CHATS: readonly Question[] = [
  [json({ messages: [{ role: 'user', content: 'hi' }] })],
  [json({ messages: [{ role: 'user', content: 'hi' }], temperature: 0.25 })],
  [json({ messages: [{ role: 'user', content: 'hi' }], temperature: 'x' })],
  [json({ messages: [{ role: 'user', content: 'hi' }], custom_inputs: { a: 1 } })],
  [json({ messages: [{ role: 'user', content: 'hi' }], stream: true })],
  [json({ messages: [{ role: 'user' }] })],
  [json({ messages: [] })],
  [json({ messages: 'hi' })],
  [json({ input: [{ role: 'user', content: 'hi' }] })],
  [json({ input: [{ role: 'user', content: 'hi' }], custom_inputs: { a: 1 } })],
  [json({ input: 'hi' })],
  [json({ inputs: { messages: [{ role: 'user', content: 'hi' }] } })],
  [json({ instances: [{ messages: [{ role: 'user', content: 'hi' }] }] })],
  [json({ dataframe_records: [{ messages: [{ role: 'user', content: 'hi' }] }] })],
];

const list = (...given: readonly unknown[]): readonly Question[] =>
  given.flatMap((inputs): Question[] => [
    [json({ inputs })],
    [json({ instances: inputs })],
    [json({ dataframe_records: inputs })],
  ]);
const named = (column: string, ...values: readonly unknown[]): readonly Question[] =>
  values.map((value): Question => [json({ dataframe_records: [{ [column]: value }] })]);
const CHAIN: readonly Question[] = [
  [
    json({
      dataframe_records: [
        { thing: 'sky', how: 'blue' },
        { thing: 'sea', how: 'deep' },
      ],
    }),
  ],
  [json({ inputs: { thing: 'sky', how: 'blue' } })],
  [json({ inputs: [{ thing: 'sky', how: 'blue' }] })],
  [json({ inputs: { thing: ['sky'], how: ['blue'] } })],
  [json({ inputs: { thing: 'sky' } })],
  [json({ inputs: { thing: 1, how: 2 } })],
  [json({ thing: 'sky', how: 'blue' })],
  [split(['thing', 'how'], ['sky', 'blue'])],
  ['thing,how\nsky,blue\n', 'text/csv'],
];

const HOUSES: Readonly<Record<HouseName, Readonly<Record<string, readonly Question[]>>>> = {
  custom: {
    packed: TEXTS,
    'from-code': [
      [split(['a', 'b'], [1, true], [2, false])],
      [split(['a', 'b'], [1, null])],
      [split(['a'], [1.5])],
      [split(['a'], [2 ** 53])],
      ...[
        { top: 1 },
        { top: 1.5 },
        { top: 'x' },
        { names: ['a', 'b'] },
        { names: 'a' },
        { since: '2024-02-03' },
        { since: 'no day' },
        { none: 1 },
        null,
        [],
      ].map((params): Question => [json({ dataframe_records: [{ a: 1 }], params })]),
      ['a,b\n1,True\n2,\n', 'text/csv'],
    ],
    'hinted-texts': TEXTS,
    'hinted-objects': list(
      [{ role: 'user', content: 'hi' }],
      [{ role: 'user', content: 'hi', weight: 1 }],
      [{ role: 'user' }],
      [{ role: 1, content: 'hi' }],
      ['text'],
      { role: 'user', content: 'hi' },
    ),
    'hinted-maps': list([{ a: [1, 2.5], b: [] }], [{ a: 1 }], [{ a: ['x'] }], [[1]]),
    'hinted-dates': list(['2024-01-02', '2024-01-02T03:04:05'], ['no day'], [3], ['2024-13-01']),
    'hinted-frame': TEXTS,
    'hinted-function': list([1, 2, 3], [1.5], ['1'], [null], 7, [2 ** 53]),
    'from-example': TEXTS,
    typed: [
      ...named('day', '2024-01-02', '2024-01-02T03:04:05.678', '2024-01-02 03:04:05+02:00'),
      ...named('day', 'no day', 17, null),
      ...named('bytes', 'aGk=', 'no base64!', 3, null),
      ...named('grid', [[1, 2], [3]], [[]], [[1.5]], [1], 'x', null),
      ...named('map', { a: 1, b: 2.5 }, {}, { a: 'x' }, [1], null),
      ...named('object', { a: 'x' }, { a: 'x', b: [true] }, { a: 'x', b: [1] }, { b: [] }, null),
      ...named('whole', 1, 1.5, null, '1', true, 2 ** 53, 1e300),
      [json({ dataframe_records: [{ whole: 1 }, { whole: null }, {}] })],
      ['day,whole\n2024-01-02,1\n,\n', 'text/csv'],
    ],
    answering: [
      'dict',
      'text',
      'none',
      'number',
      'numpy',
      'numpy-text',
      'numpy-bytes',
      'days',
      'series',
      'objects',
      'set',
      'tuple',
      'complex',
      'iterator',
      'big',
      'nested-frame',
      'nothing of these',
    ].map((kind): Question => [split(['text'], [kind])]),
    chat: CHATS,
    'chat-agent': CHATS,
    responses: CHATS,
    langchain: CHAIN,
    'langchain-unsigned': CHAIN,
    'langchain-chat': [
      ...CHATS,
      [json({ question: 'why' })],
      [json({ inputs: { question: 'why' } })],
    ],
  },
  late: {
    'genai-code': TEXTS,
    'genai-held': TEXTS,
    'stats-class': NUMBERS,
    'stats-held': NUMBERS,
    'stats-search': NUMBERS,
  },
  tabular: {
    xgboost: NUMBERS,
    'xgboost-unsigned': NUMBERS,
    lightgbm: NUMBERS,
    catboost: [
      [split(['a', 'b', 'c'], [0.5, 'yes', true], [1.5, 'no', false])],
      [split(['a', 'b', 'c'], [0.5, 'never', true])],
      [split(['a', 'b', 'c'], [0.5, null, true])],
      [split(['a', 'b', 'c'], [0.5, 'yes', 1])],
      ['a,b,c\n0.5,yes,True\n', 'text/csv'],
    ],
    'catboost-unsigned': NUMBERS,
    onnx: NUMBERS,
    'onnx-doubles': NUMBERS,
    'onnx-tensor': NUMBERS,
    'onnx-columns': NUMBERS,
    statsmodels: NUMBERS,
    'statsmodels-series': [
      [json({ dataframe_records: [{ start: 200, end: 203 }] })],
      [json({ dataframe_records: [{ start: 200 }] })],
      [json({ inputs: { start: [200], end: [203] } })],
      ['start,end\n200,203\n', 'text/csv'],
    ],
    prophet: [
      ...named('ds', '2024-03-01', '2024-03-01T12:00:00', 'no day', 3, null),
      [split(['ds'], ['2024-03-01'], ['2024-03-02'])],
      ['ds\n2024-03-01\n', 'text/csv'],
    ],
  },
  spark: { spark: [...NUMBERS, [split(['a', 'b'], [1.5, 2.5], [3, 4])]] },
  torch: {
    pytorch: NUMBERS,
    'pytorch-doubles': NUMBERS,
    'pytorch-tensor': NUMBERS,
    'pytorch-unsigned': NUMBERS,
    transformers: TEXTS,
    'transformers-params': TEXTS,
    sentences: TEXTS,
  },
  keras: {
    'keras-params': [...NUMBERS, [json({ inputs: [[1, 2, 3]], params: { batch_size: 1 } })]],
    'keras-tensor': NUMBERS,
    'keras-unsigned': NUMBERS,
    tensorflow: NUMBERS,
    'tensorflow-named': [
      ...NUMBERS,
      [json({ inputs: { first: [[1]], second: [[2]] } })],
      [json({ instances: [{ first: [1], second: [2] }] })],
      [json({ inputs: { first: [[1]], second: [[2, 3]] } })],
      [json({ inputs: { first: [['x']], second: [[2]] } })],
      [split(['first', 'second'], [1, 2])],
    ],
  },
};

/** Stacks name files and lines of the web server. */
function comparable({ status, type, body }: Answer): Answer {
  const text = body.replace(/"stack_trace": "(?:[^"\\]|\\.)*"/, '"stack_trace": ""');
  return { status, type, body: hidePlaces(text) };
}

/** Some answers hold an id, the time or a place in memory. */
function hidePlaces(text: string): string {
  return text
    .replace(/\b0x[0-9a-f]{6,}/g, '0xPLACE')
    .replace(/"(id|created|created_at)": ("[^"]*"|[\d.]+)/g, '"$1": ""');
}

/** One model of each library: the same Python loads those that are served. */
const PREDICTED: ReadonlySet<string> = new Set([
  'packed',
  'hinted-objects',
  'typed',
  'langchain',
  'genai-code',
  'stats-held',
  'xgboost',
  'catboost',
  'onnx',
  'prophet',
  'spark',
  'pytorch',
  'transformers',
  'keras-tensor',
]);

/** The first questions, and what is in CSV, as files. */
function chooseFiles(model: string, questions: readonly Question[]): readonly PredictCase[] {
  const chosen = questions.filter(([, type], index) => index < 3 || type === 'text/csv');
  return chosen.map(([input, type]) => ({ model, input, type: type ? 'csv' : 'json' }));
}

const NAMES = Object.keys(HOUSES) as HouseName[];
const REASONS = await Promise.all(NAMES.map(whyNoHouse));

for (const [index, house] of NAMES.entries()) {
  const reason = REASONS[index];
  const title = reason === undefined ? house : `${house} (skipped: ${reason})`;
  describe.skipIf(reason !== undefined)(title, () => {
    const models = Object.entries(HOUSES[house]);
    let place: ModelFolder;
    let theirs: RunningServer;
    let failure: string | undefined;

    beforeAll(async () => {
      try {
        place = await ensureHouse(house);
      } catch (error) {
        if (!(error instanceof NotInstalled)) throw error;
        failure = error.message;
        return;
      }
      theirs = await startMlflowScoring(
        models.map(([name]) => name),
        place,
      );
    }, 900_000);
    afterAll(() => theirs?.stop());
    beforeEach(({ skip }) => skip(failure !== undefined, failure));

    test('every model that is saved is asked', async () => {
      const saved = await readdir(place.folder);
      expect(saved.filter((name) => name !== 'complete').sort()).toEqual(
        models.map(([name]) => name).sort(),
      );
    });

    test.each(models)(
      '%s is served',
      async (name, questions) => {
        const env = { ...process.env, ...SAME_SETS, PATH: pathOf(place) };
        const context = createTestContext({ cwd: await makeServingFolder(), env });
        const folder = join(place.folder, name);
        const ours = await serveModelFolder(folder, { manager: 'local' }, context);
        const statuses = new Set<number>();
        try {
          for (const [body, type] of [...questions, ...ALL]) {
            const [mine, mlflows] = [
              await invoke(ours.url, body, type),
              await invoke(`${theirs.uri}/${name}`, body, type),
            ];
            statuses.add(mine.status);
            expect.soft(comparable(mine), `${type ?? ''} ${body}`).toEqual(comparable(mlflows));
          }
        } finally {
          await ours.close();
        }
        expect([...statuses]).toContain(200);
      },
      120_000,
    );

    test('files are predicted', async () => {
      const asked = models
        .filter(([name]) => PREDICTED.has(name))
        .flatMap(([model, questions]) => chooseFiles(model, questions));
      const theirs = await predictWithMlflow(asked, place);
      await using ours = await startTestPredictor(place);
      for (const [index, one] of asked.entries()) {
        const { output, error } = await ours.predict(one, { chunkBytes: 10_000 });
        const shown = `${one.model} ${one.input}: ${error?.message}`;
        expect
          .soft(hidePlaces(output ?? 'refused'), shown)
          .toBe(hidePlaces(theirs[index] ?? 'refused'));
      }
    }, 240_000);
  });
}
