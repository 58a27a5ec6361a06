import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePort } from '../setup/mlflow.ts';
import { createRig, type RunOptions } from './rig.ts';

let rig: ReturnType<typeof createRig>;
let run: string;

const PROJECT = `
entry_points:
  main:
    parameters:
      rate: {type: float, default: 0.1}
      verbose: bool
    command: "true"
  evaluate:
    command: "false"
`;

const REGISTRY = [
  'registered-models create churn --description why',
  'registered-models create prompt --tag mlflow.prompt.is_prompt=true',
  'registered-models create empty',
  'model-versions create churn --source s3://bucket/one',
  'model-versions create churn --source s3://bucket/two',
  'model-versions create churn --source s3://bucket/three',
  'model-versions transition-stage churn 1 Production',
  'registered-models set-alias churn best 2',
  'registered-models set-alias churn new 2',
  'model-versions delete churn 3',
];

async function fillRegistry(env: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const line of REGISTRY) {
    expect(await rig.mlts(line.split(' '), { env }), line).toMatchObject({ exitCode: 0 });
  }
}

beforeAll(async () => {
  rig = createRig();
  await rig.write({ 'p/MLproject': PROJECT, 'p/train.py': '', 'p/notes.txt': '' });
  await rig.mlts(['experiments', 'create', '-n', 'first']);
  await rig.mlts(['experiments', 'create', '-n', 'with\ttab']);
  const made = await rig.mlts([
    'runs',
    'create',
    '--experiment-name',
    'first',
    '--run-name',
    'bold',
  ]);
  expect(made).toMatchObject({ exitCode: 0 });
  run = /[0-9a-f]{32}/.exec(made.stdout + made.stderr)?.[0] ?? '';
  await fillRegistry();
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Values, or with `descriptions` the whole lines. */
async function complete(
  words: readonly string[],
  options?: RunOptions,
): Promise<readonly string[]> {
  const ended = await rig.mlts(['__complete', ...words], options);
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  return ended.stdout.split('\n').slice(0, -1);
}

describe('mlts __complete', () => {
  test.each([
    { words: ['exp'], found: ['experiments\tcreate, find and change experiments'] },
    { words: ['help', 'exp'], found: ['experiments\tcreate, find and change experiments'] },
    { words: ['run', '--env-manager', 'co'], found: ['conda'] },
    { words: ['run', '--env-manager=co'], found: ['--env-manager=conda'] },
    { words: ['completion', ''], found: ['bash', 'zsh', 'fish'] },
    { words: ['experiments', 'get', '-x', ''], found: ['2\twith tab', '1\tfirst', '0\tDefault'] },
    { words: ['experiments', 'get', '--experiment-name', ''], found: ['first', 'Default'] },
    { words: ['experiments', 'create', '--experiment-name', ''], found: [] },
    { words: ['run', 'p', '-e', ''], found: ['main\ttrue', 'evaluate\tfalse', 'train.py\tscript'] },
    { words: ['run', 'p', '-P', 'r'], found: ['rate=\tfloat, default 0.1'] },
    { words: ['run', 'p', '-P', 'rate=1', '-P', ''], found: ['verbose=\tbool, required'] },
    {
      words: ['run', 'p', '-P', 'verbose='],
      found: ['verbose=True', 'verbose=False'],
    },
    { words: ['run', 'p', '-e', 'evaluate', '-P', ''], found: [] },
    { words: ['run', 'https://example.invalid/x.git', '-e', ''], found: [] },
    { words: ['run', ''], found: [':files'] },
    { words: ['artifacts', 'list', '--artifact-path', ''], found: [] },
    { words: ['artifacts', 'log-artifact', '--local-file', ''], found: [':files'] },
    { words: ['no', 'such', 'verb', ''], found: [] },
  ])('$words', async ({ words, found }) => {
    expect(await complete(words)).toEqual(found);
  });

  test('ids of runs, with their names, none twice', async () => {
    expect(await complete(['runs', 'get', run.slice(0, 4)])).toEqual([`${run}\tbold`]);
    expect(await complete(['runs', 'compare', run, ''])).toEqual([]);
  });

  test('options that are typed with a dash only, hidden ones left out', async () => {
    const options = (await complete(['run', '-'])).map((line) => line.split('\t')[0]);
    expect(options).toContain('--entry-point');
    expect(options).not.toContain('--no-conda');
  });

  test('folders of MLflow', async () => {
    const env = { MLFLOW_TRACKING_URI: 'store' };
    await rig.mlts(['experiments', 'create', '-n', 'in a folder'], { env });
    expect(await complete(['experiments', 'get', '-n', 'in'], { env })).toEqual(['in a folder']);
  });
});

describe('the model registry', () => {
  const cases = [
    { words: ['registered-models', 'get', ''], found: ['churn\twhy', 'empty'] },
    { words: ['registered-models', 'get', 'e'], found: ['empty'] },
    { words: ['registered-models', 'create', ''], found: [] },
    { words: ['registered-models', 'rename', 'churn', ''], found: [] },
    { words: ['registered-models', 'set-alias', 'churn', 'b'], found: ['best\tversion 2'] },
    {
      words: ['registered-models', 'set-alias', 'churn', 'best', ''],
      found: ['2\tNone @best @new', '1\tProduction'],
    },
    { words: ['model-versions', 'get', 'churn', '2'], found: ['2\tNone @best @new'] },
    { words: ['model-versions', 'get', '../churn', ''], found: [] },
    {
      words: ['model-versions', 'download', 'churn', ''],
      found: [
        '2\tNone @best @new',
        '1\tProduction',
        'latest',
        'Production',
        '@best\tversion 2',
        '@new\tversion 2',
      ],
    },
    { words: ['model-versions', 'get', "o'none", ''], found: [] },
    {
      words: ['model-versions', 'transition-stage', 'churn', '1', ''],
      found: ['None', 'Staging', 'Production', 'Archived'],
    },
    { words: ['model-versions', 'search', '--stage', 'P'], found: ['Production'] },
    { words: ['model-versions', 'copy', 'models:/c'], found: ['models:/churn/\twhy'] },
    { words: ['model-versions', 'copy', 'models:/churn/1', 'e'], found: ['empty'] },
    { words: ['models', 'promote', 'churn', '--version', '1'], found: ['1\tProduction'] },
    { words: ['models', 'promote', 'churn', '--to', '@n'], found: ['@new\tversion 2'] },
    { words: ['models', 'promote', 'churn', '--to=S'], found: ['--to=Staging'] },
    { words: ['models', 'register', 'mo'], found: ['models:/', ':files'] },
    { words: ['models', 'register', 'x', '--name', 'ch'], found: ['churn\twhy'] },
    {
      words: ['models', 'register', 'x', '--name', 'churn', '--alias', 'n'],
      found: ['new\tversion 2'],
    },
    { words: ['artifacts', 'download', '-u', ''], found: ['models:/', 'runs:/'] },
    {
      words: ['artifacts', 'download', '--artifact-uri=models:/churn/'],
      found: [
        '--artifact-uri=models:/churn/2\tNone @best @new',
        '--artifact-uri=models:/churn/1\tProduction',
        '--artifact-uri=models:/churn/latest',
        '--artifact-uri=models:/churn/Production',
      ],
    },
    {
      words: ['artifacts', 'download', '-u', 'models:/churn@'],
      found: ['models:/churn@best\tversion 2', 'models:/churn@new\tversion 2'],
    },
    { words: ['artifacts', 'download', '-u', 'models:/../x/'], found: [] },
    { words: ['artifacts', 'download', '-u', 's3://'], found: [] },
  ];

  test.each(cases)('$words', async ({ words, found }) => {
    expect(await complete(words)).toEqual(found);
  });

  test('runs, as the first part of an address', async () => {
    const words = ['models', 'register', `runs:/${run.slice(0, 4)}`];
    expect(await complete(words)).toEqual([`runs:/${run}/\tbold`]);
  });

  test('in a folder of MLflow, whose models are no runs', async () => {
    const env = { MLFLOW_TRACKING_URI: 'models-in-folder' };
    await fillRegistry(env);
    for (const { words, found } of cases) {
      expect(await complete(words, { env }), words.join(' ')).toEqual(found);
    }
    expect(await complete(['runs', 'get', ''], { env })).toEqual([]);
  });

  test('MLFLOW_REGISTRY_URI comes before the tracking URI', async () => {
    const env = { MLFLOW_REGISTRY_URI: 'sqlite:///mlflow.db', MLFLOW_TRACKING_URI: 'none' };
    expect(await complete(['registered-models', 'get', ''], { env })).toHaveLength(2);
  });
});

describe('a key press', () => {
  test.each([
    '',
    'sqlite:///deep/none.db',
    'folder/none',
    'databricks',
    'sqlite:////proc/none/x.db',
  ])('makes nothing where there is no store (%s)', async (uri) => {
    await using empty = createRig();
    for (const words of [
      ['runs', 'get', ''],
      ['registered-models', 'get', ''],
    ]) {
      const env = { MLFLOW_TRACKING_URI: uri };
      const ended = await empty.mlts(['__complete', ...words], { env });
      expect(ended).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    }
    expect(readdirSync(empty.directory)).toEqual([]);
  });

  test('does not fill a database that is empty', async () => {
    await using empty = createRig();
    await empty.write({ 'mlflow.db': '' });
    await empty.mlts(['__complete', 'runs', 'get', '']);
    expect(readdirSync(empty.directory, { encoding: 'utf8' })).toEqual(['mlflow.db']);
  });

  test('is not kept waiting by a server that is silent or not there', async () => {
    const port = await findFreePort();
    const silent = createServer(() => {}).listen(port, '127.0.0.1');
    for (const scheme of ['http', 'postgresql']) {
      for (const to of [port, await findFreePort()]) {
        const env = { MLFLOW_TRACKING_URI: `${scheme}://user:secret@127.0.0.1:${to}/x` };
        expect(await complete(['runs', 'get', ''], { env })).toEqual([]);
        expect(await complete(['registered-models', 'get', ''], { env })).toEqual([]);
      }
    }
    silent.close();
  }, 20_000);

  test('on a broken project is silent', async () => {
    await rig.write({ 'broken/MLproject': 'entry_points: [' });
    expect(await complete(['run', 'broken', '-e', ''])).toEqual([]);
  });
});
