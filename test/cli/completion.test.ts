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

describe('a key press', () => {
  test.each([
    '',
    'sqlite:///deep/none.db',
    'folder/none',
    'databricks',
    'sqlite:////proc/none/x.db',
  ])('makes nothing where there is no store (%s)', async (uri) => {
    await using empty = createRig();
    const ended = await empty.mlts(['__complete', 'runs', 'get', ''], {
      env: { MLFLOW_TRACKING_URI: uri },
    });
    expect(ended).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
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
      }
    }
    silent.close();
  }, 20_000);

  test('on a broken project is silent', async () => {
    await rig.write({ 'broken/MLproject': 'entry_points: [' });
    expect(await complete(['run', 'broken', '-e', ''])).toEqual([]);
  });
});
