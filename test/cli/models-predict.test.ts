import { cp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureMlflow, mlflowEnv } from '../setup/mlflow.ts';
import { ensureModels } from '../setup/models.ts';
import { ensureOlderModel } from '../setup/older-models.ts';
import { startS3Server } from '../setup/s3.ts';
import { mountSmallDisk, whyNoSmallDisk } from '../setup/small-disk.ts';
import { bin, createRig, type Ended, type Rig, type RunOptions } from './rig.ts';

let rig: Rig;
let models: string;
let env: Record<string, string>;

beforeAll(async () => {
  rig = createRig();
  // Copies of our own: processes of other tests are not counted.
  models = rig.path('models');
  await cp(await ensureModels(), models, { recursive: true });
  const { bin: path } = await ensureMlflow();
  // What a killed one leaves for a moment goes with the rest.
  env = { PATH: `${path}:${process.env.PATH}`, TMPDIR: rig.directory };
});
afterAll(() => rig[Symbol.asyncDispose]());

const argue = (model: string, flags: readonly string[]): string[] => [
  ...['models', 'predict', '-m', join(models, model), '--env-manager', 'local'],
  ...flags,
];
const predict = (
  model: string,
  flags: readonly string[],
  options: RunOptions = {},
): Promise<Ended> => rig.mlts(argue(model, flags), { ...options, env: { ...env, ...options.env } });
/** `pgrep` prints 0 where it finds none. */
const countProcesses = async (): Promise<number> =>
  Number((await execa('pgrep', ['-fc', `predict.py ${models}`], { reject: false })).stdout);

const CSV = 'a,b,c\n1.5,2.5,3.5\n0.25,-1.5,7.5\n';
const JSON_TEXT =
  '{"dataframe_split":{"columns":["a","b","c"],"data":[[1.5,2.5,3.5],[0.25,-1.5,7.5]]}}';

describe('the same bytes as MLflow', () => {
  test.each([
    ['CSV on stdin', ['-t', 'csv'], CSV],
    ['JSON on stdin', [], JSON_TEXT],
    ['JSON that is no JSON', [], CSV],
  ])('%s', async (_, flags, input) => {
    const ours = await predict('regression', flags, { input });
    const { mlflow } = await ensureMlflow();
    const theirs = await execa(mlflow, argue('regression', flags), {
      env: mlflowEnv(),
      extendEnv: false,
      input,
      reject: false,
      stripFinalNewline: false,
    });
    expect(ours.stdout).toBe(theirs.stdout);
    expect(ours.exitCode).toBe(theirs.exitCode);
  });
});

const COMPRESS = `
import bz2, sys, zipfile
path = sys.argv[1]
open(path + '.bz2', 'wb').write(bz2.compress(open(path, 'rb').read()))
zipfile.ZipFile(path + '.zip', 'w').write(path, 'in.csv')
`;

describe('where the input comes from, and where the output goes', () => {
  let expected: string;
  beforeAll(async () => {
    expected = (await predict('regression', ['-t', 'csv'], { input: CSV })).stdout;
    expect(JSON.parse(expected)).toMatchObject({
      predictions: [expect.any(Number), expect.any(Number)],
    });
    await rig.write({ 'in.csv': CSV, 'in.json': JSON_TEXT });
    await rig.write({ 'in.jsonl': '{"a":1.5,"b":2.5,"c":3.5}\n{"a":0.25,"b":-1.5,"c":7.5}\n' });
    await writeFile(rig.path('in.csv.gz'), gzipSync(CSV));
    await execa('python3', ['-c', COMPRESS, rig.path('in.csv')]);
  });

  test.each([
    ['a file that ends in .csv', ['-i', 'in.csv']],
    ['a file that ends in .csv.gz', ['-i', 'in.csv.gz']],
    ['that in chunks', ['-i', 'in.csv.gz', '--stream']],
    ['a file that ends in .jsonl', ['-i', 'in.jsonl']],
    ['one that pandas alone can unpack', ['-t', 'csv', '-i', 'in.csv.bz2']],
    ['that in chunks', ['-t', 'csv', '-i', 'in.csv.bz2', '--stream']],
    ['one in a zip, in chunks', ['-t', 'csv', '-i', 'in.csv.zip', '--stream']],
    ['a file of JSON', ['-i', 'in.json']],
    ['a `file:` address', ['-i', 'file:in.json']],
    ['the command line', ['--json', JSON_TEXT]],
  ])('%s', async (_, flags) => {
    const ended = await predict('regression', flags);
    expect(ended).toMatchObject({ stdout: expected, exitCode: 0 });
  });

  test('pipes and devices', async () => {
    const words = ['predict', '-m', join(models, 'regression'), '--no-stream', '-t', 'csv'];
    const line = `"${bin}" models ${words.join(' ')} --env-manager local -i <(cat in.csv) -o >(cat)`;
    const shell = await execa('bash', ['-c', `${line}; wait`], {
      cwd: rig.directory,
      env: { ...rig.env, ...env },
      extendEnv: false,
    });
    expect(shell.stdout).toBe(expected);
  });

  test('a file is replaced when all is there; a link leads to it', async () => {
    await rig.write({ 'real/out.json': 'old' });
    await symlink(rig.path('real/out.json'), rig.path('link.json'));
    const ended = await predict('regression', ['-i', 'in.csv', '-o', 'link.json']);
    expect(ended).toMatchObject({ stdout: '', exitCode: 0 });
    expect(await readFile(rig.path('real/out.json'), 'utf8')).toBe(expected);
    expect(await readdir(rig.path('real'))).toEqual(['out.json']);
  });

  test('the ending of the output chooses its format', async () => {
    const rows = (JSON.parse(expected) as { predictions: number[] }).predictions;
    await predict('regression', ['-i', 'in.csv', '-o', 'out.csv']);
    expect(await readFile(rig.path('out.csv'), 'utf8')).toBe(`prediction\n${rows.join('\n')}\n`);
    await predict('regression', ['-i', 'in.csv', '-o', 'out.jsonl', '--stream']);
    expect(await readFile(rig.path('out.jsonl'), 'utf8')).toBe(`${rows.join('\n')}\n`);
    for (const [name, how] of [
      ['one.parquet', '--stream'],
      ['two.parquet', '--no-stream'],
    ] as const) {
      await predict('regression', ['-i', 'in.csv', '-o', name, how]);
      const script = `import pandas as pd; print(pd.read_parquet("${rig.path(name)}").to_json(double_precision=15))`;
      const { python } = await ensureMlflow();
      const { prediction } = JSON.parse((await execa(python, ['-c', script])).stdout) as {
        prediction: Record<string, number>;
      };
      expect(Object.values(prediction)).toEqual(rows.map((row) => expect.closeTo(row, 9)));
    }
  });

  test('a store', async () => {
    const server = await startS3Server();
    try {
      await server.createBucket('lake');
      await server.put('lake', 'raw/in.csv', CSV);
      const flags = ['-i', 's3://lake/raw/in.csv', '-o', 's3://lake/done/here/out.json'];
      const ended = await predict('regression', flags, { env: server.env });
      expect(ended).toMatchObject({ stdout: '', exitCode: 0 });
      const stored = await server.get('lake', 'done/here/out.json');
      expect(stored.content.toString()).toBe(expected);
    } finally {
      await server.stop();
    }
  });
});

test('what a model prints does not reach stdout', async () => {
  const { stdout, stderr, exitCode } = await predict('custom', ['-t', 'csv'], {
    input: 'order\nprint\n',
  });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^\{"predictions": \["print by \d+"\]\}$/);
  expect(stderr).toContain('to descriptor 1');
});

test('--env reaches the model', async () => {
  const flags = ['--json', '{"inputs": [1]}', '--env', 'GREETING=a=b', '--env', 'OTHER='];
  const { stdout } = await predict('counting', flags);
  expect(stdout).toBe('{"predictions": {"rows": 1, "greeting": "a=b"}}');
});

describe('what is wrong is one line with the mend', () => {
  test.each<[string, readonly string[], string, number, RegExp]>([
    [
      'regression',
      ['-t', 'csv'],
      'a,b\n1.5,2.5\n',
      1,
      /refuses the input: .*\['c'\].*\nhint: .*describe/,
    ],
    [
      'regression',
      ['-t', 'csv'],
      'a,b,c\n1,2,3\n',
      1,
      /float64.*\nhint: write the numbers .* as 1.0/,
    ],
    [
      'regression',
      ['-t', 'csv', '--stream'],
      'a,b,c\n1.5,2,3\n1.5,2,3,4\n',
      1,
      /Expected 3 fields in line 3, saw 4\b.*\nhint: mend the input/,
    ],
    ['regression', [], 'a,b,c\n', 1, /valid JSON.*\nhint: say what it is: -t csv/],
    ['regression', ['-t', 'jsonl'], '{"a":1}\nx\n', 1, /line 2 is no JSON/],
    [
      'custom',
      ['-t', 'csv'],
      'order\nraise\n',
      1,
      /the model fails with ValueError: the model raises\nhint: /,
    ],
    [
      'custom',
      ['-t', 'csv'],
      'order\nexit\n',
      1,
      /the Python process with the model exited with 3\nhint: /,
    ],
    ['broken', [], '{}', 1, /cannot be loaded: .*no_such_module_anywhere.*\nhint: /],
    ['regression', ['-i', 'none.csv'], '', 1, /no such file or folder: .*none.csv\nhint: /],
    ['regression', ['-i', '.'], '', 1, /is a folder/],
    [
      'regression',
      ['-o', 'no/such/out.json'],
      '',
      1,
      /folder .*no\/such does not exist\nhint: mkdir|make it first/,
    ],
    ['regression', ['-o', 'http://127.0.0.1:9/x'], '', 1, /web address\nhint: /],
    ['regression', ['-t', 'xml'], '', 2, /--content-type.*xml/],
    ['regression', ['-t', 'parquet'], 'PAR1 no more', 1, /Parquet|parquet/],
    ['regression', ['--json', '{}', '-i', 'x'], '', 2, /both given\nhint: /],
    ['regression', ['--json', '{}', '-t', 'csv'], '', 2, /--json is JSON/],
    ['regression', ['--resume'], '', 2, /--resume needs/],
    ['regression', ['--stream'], '', 2, /cannot be predicted in chunks\nhint: /],
    ['regression', ['--env', 'x'], '', 2, /NAME=VALUE/],
    ['regression', ['--output-format', 'parquet'], '', 2, /written to a file only\nhint: /],
    ['regression', ['-r', 'six'], '{}', 1, /--pip-requirements-override has no use/],
  ])('%s %j %j', async (model, flags, input, exitCode, says) => {
    const ended = await predict(model, flags, { input });
    expect(ended).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(says) });
    expect(ended.stderr.split('\n').filter((line) => line.startsWith('error:'))).toHaveLength(1);
    if (model !== 'broken') expect(ended.stderr).not.toContain('Traceback');
  });

  test('--debug shows where', async () => {
    const flags = ['-t', 'csv'];
    const args = ['--debug', ...argue('custom', flags)];
    const ended = await rig.mlts(args, { env, input: 'order\nraise\n' });
    expect(ended.stderr).toMatch(
      /Traceback[\s\S]*line \d+, in predict\n[\s\S]*ValueError: the model raises/,
    );
  });
});

/** Each row has a megabyte, so that two of them are a chunk. */
const makeRows = (orders: readonly string[]): string =>
  ['order,padding', ...orders.map((order) => `${order},${'x'.repeat(1_000_000)}`), ''].join('\n');
const hidePids = (text: string): string => text.replace(/by \d+/g, 'by [PID]');

describe('in chunks', () => {
  const orders = Array.from({ length: 13 }, (_, index) => `sleep 0.${index % 3}`);
  const whole = `{"predictions": [${orders.map((order) => `"${order} by [PID]"`).join(', ')}]}`;
  const flags = (name: string) => ['-i', `${name}.csv`, '-o', `${name}/out.json`, '--stream'];

  test('by several processes, the rows stay in order', async () => {
    await rig.write({ 'several.csv': makeRows(orders), 'several/x': '' });
    const ended = await predict('custom', [...flags('several'), '-w', '3']);
    expect(ended).toMatchObject({ exitCode: 0 });
    const output = await readFile(rig.path('several/out.json'), 'utf8');
    expect(hidePids(output)).toBe(whole);
    expect(new Set(output.match(/by \d+/g)).size).toBeGreaterThan(1);
    expect(await countProcesses()).toBe(0);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
    'stopped by %s, nothing is left but what --resume goes on with',
    async (signal) => {
      const name = `stopped-${signal}`;
      const slow = orders.map((_, index) => (index === 9 ? 'sleep 1.5' : 'x'));
      await rig.write({ [`${name}.csv`]: makeRows(slow), [`${name}/x`]: '' });
      const started = rig.start(argue('custom', flags(name)), { env });
      await waitForChunks(name, 4);
      started.kill(signal);
      const ended = await started.ended;
      if (signal !== 'SIGKILL') {
        expect(ended.exitCode).toBe(signal === 'SIGINT' ? 130 : 143);
        expect(ended.stderr).toContain('8 rows are predicted and kept in');
      }
      await waitUntil(async () => (await countProcesses()) === 0);
      expect(await readdir(rig.path(name))).toEqual(['out.json.journal', 'out.json.partial', 'x']);
      const before = await readFile(rig.path(name, 'out.json.partial'), 'utf8');
      const resumed = await predict('custom', [...flags(name), '--resume']);
      expect(resumed).toMatchObject({ exitCode: 0 });
      expect(resumed.stderr).toContain('going on behind 8 rows that are done');
      const output = await readFile(rig.path(name, 'out.json'), 'utf8');
      expect(output.startsWith(before)).toBe(true);
      expect(JSON.parse(hidePids(output))).toEqual({
        predictions: slow.map((order) => `${order} by [PID]`),
      });
      expect(await readdir(rig.path(name))).toEqual(['out.json', 'x']);
    },
  );

  test('what a killed one left in $TMPDIR goes when the next one starts, and nothing else', async () => {
    await rig.write({ 'temporary/mlts-predict-other/x': '' });
    const TMPDIR = rig.path('temporary');
    const listLeft = async () =>
      (await readdir(TMPDIR)).filter((name) => name !== 'mlts-predict-other');
    const asked = argue('custom', ['-t', 'csv']);
    const input = makeRows(['sleep 60']);
    const startSleeping = async (known: readonly string[]) => {
      const started = rig.start(asked, { env: { ...env, TMPDIR }, input });
      let made: string | undefined;
      await waitUntil(async () => {
        made = (await listLeft()).find((name) => !known.includes(name));
        return made !== undefined && (await readdir(join(TMPDIR, made))).includes('input.csv');
      });
      return { started, folder: String(made) };
    };
    const killed = await startSleeping([]);
    killed.started.kill('SIGKILL');
    await killed.started.ended;
    await waitUntil(async () => (await countProcesses()) === 0);
    expect(await listLeft()).toEqual([killed.folder]);
    const living = await startSleeping([killed.folder]);
    expect(await listLeft()).toEqual([living.folder]);
    expect(
      await predict('custom', ['-t', 'csv'], { input: makeRows(['x']), env: { TMPDIR } }),
    ).toMatchObject({ exitCode: 0 });
    expect(await listLeft()).toEqual([living.folder]);
    living.started.kill('SIGTERM');
    await living.started.ended;
    expect(await readdir(TMPDIR)).toEqual(['mlts-predict-other']);
  });

  test('--resume refuses what was left of another input', async () => {
    const name = 'changed';
    await rig.write({ [`${name}.csv`]: makeRows([...orders.slice(0, 5), 'raise']) });
    await rig.write({ [`${name}/out.json`]: 'old' });
    const failed = await predict('custom', flags(name));
    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr).toMatch(/the model raises \(in the rows behind line 5\)\nhint: /);
    expect(failed.stderr).toContain('4 rows are predicted and kept in');
    expect(await readFile(rig.path(name, 'out.json'), 'utf8')).toBe('old');
    await rig.write({ [`${name}.csv`]: makeRows(orders.slice(0, 6)) });
    const resumed = await predict('custom', [...flags(name), '--resume']);
    expect(resumed).toMatchObject({ exitCode: 1 });
    expect(resumed.stderr).toMatch(
      /out.json.journal belongs to another input.*\nhint: leave out --resume/,
    );
    expect(await predict('custom', flags(name))).toMatchObject({ exitCode: 0 });
    expect(await readdir(rig.path(name))).toEqual(['out.json']);
  });

  test('a process that is killed is replaced, and its chunk tried again', async () => {
    const name = 'killed';
    await rig.write({ [`${name}.csv`]: makeRows(orders), [`${name}/x`]: '' });
    const started = rig.start(argue('custom', flags(name)), { env });
    await waitForChunks(name, 1);
    const { stdout } = await execa('pgrep', ['-f', `predict.py ${models}/custom`]);
    process.kill(Number(stdout), 'SIGKILL');
    expect(await started.ended).toMatchObject({ exitCode: 0 });
    expect(hidePids(await readFile(rig.path(name, 'out.json'), 'utf8'))).toBe(whole);
  });

  test('an input that is one large JSON is none', async () => {
    const ended = await predict('custom', ['-i', 'several.csv', '-t', 'json']);
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
    // The text of the input is not shown as a whole.
    expect(ended.stderr.length).toBeLessThan(3_000);
  });

  const waitForChunks = async (name: string, count: number): Promise<void> => {
    const journal = rig.path(name, 'out.json.journal');
    await waitUntil(async () => {
      const text = await readFile(journal, 'utf8').catch(() => '');
      return text.split('\n').length > count + 1;
    });
  };
});

async function waitUntil(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(20)) {
    if (await holds()) return;
  }
  throw new Error('it never came true');
}

const noSmallDisk = await whyNoSmallDisk();

test.skipIf(noSmallDisk !== undefined).each([['--stream'], ['--no-stream']])(
  `a full disk is one line, and what was there stays (%s)${noSmallDisk ? `: ${noSmallDisk}` : ''}`,
  async (how) => {
    await rig.write({ 'large.csv': makeRows(['x', 'x', 'x', 'x', 'x']) });
    await using disk = await mountSmallDisk(rig.path('small'), 512);
    await rig.write({ 'small/out.json': 'old' });
    const ended = await predict('unsigned', ['-i', 'large.csv', '-o', 'small/out.json', how]);
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ended.stderr).toMatch(/error: .*[nN]o space left on .*\nhint: make room/);
    expect(await readdir(disk.path)).toEqual(['out.json']);
    expect(await readFile(join(disk.path, 'out.json'), 'utf8')).toBe('old');
  },
);

test.skipIf(noSmallDisk !== undefined)(
  `a disk that is full half way: what is done is gone on with when there is room${noSmallDisk ? `: ${noSmallDisk}` : ''}`,
  async () => {
    await rig.write({ 'filling.csv': makeRows(['a', 'b', 'c', 'd', 'e']) });
    await using disk = await mountSmallDisk(rig.path('filling'), 3_000);
    const flags = ['-i', 'filling.csv', '-o', 'filling/out.json', '--stream'];
    const failed = await predict('unsigned', flags);
    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr).toMatch(/2 rows are predicted and kept in .*: go on with --resume/);
    expect(failed.stderr).toMatch(/error: .*no space left on .*\nhint: make room/i);
    await execa('mount', ['-o', 'remount,size=20m', disk.path]);
    const resumed = await predict('unsigned', [...flags, '--resume']);
    expect(resumed).toMatchObject({ exitCode: 0 });
    const { predictions } = JSON.parse(await readFile(join(disk.path, 'out.json'), 'utf8')) as {
      predictions: readonly { readonly order: string }[];
    };
    expect(predictions.map(({ order }) => order)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await readdir(disk.path)).toEqual(['out.json']);
  },
);

test('in an environment of its own, by the MLflow that is in it, with one more package', async () => {
  const { folder, python } = await ensureOlderModel('2.9.2');
  const input = 'area,rooms,new\n10.5,1,True\n20.25,3,False\n';
  await rig.write({ 'houses.csv': input });
  const theirs = await execa(
    python,
    ['-W', 'ignore', '-c', OLDER_PREDICT, folder, rig.path('houses.csv')],
    {
      env: mlflowEnv(),
      extendEnv: false,
      stripFinalNewline: false,
    },
  );
  const own = {
    MLFLOW_ENV_ROOT: rig.path('envs'),
    UV_CACHE_DIR: join(process.env.HOME ?? '', '.cache/uv'),
  };
  const args = [
    'models',
    'predict',
    '-m',
    folder,
    '--env-manager',
    'uv',
    '-r',
    'six==1.16.0,toolz',
  ];
  const ended = await rig.mlts([...args, '-i', 'houses.csv'], { env: { ...env, ...own } });
  expect(ended).toMatchObject({ exitCode: 0, stdout: theirs.stdout });
  const [environment = ''] = await readdir(rig.path('envs')).then((names) =>
    names.filter((name) => name.startsWith('mlflow-')),
  );
  expect(
    (await stat(rig.path('envs', environment, 'lib/python3.11/site-packages/toolz'))).isDirectory(),
  ).toBe(true);
  const streamed = await rig.mlts([...args, '-i', 'houses.csv', '--stream'], {
    env: { ...env, ...own },
  });
  expect(streamed).toMatchObject({ exitCode: 0, stdout: theirs.stdout });
});

const OLDER_PREDICT = `
import sys
from mlflow.pyfunc.scoring_server import _predict
_predict(sys.argv[1], sys.argv[2], None, "csv")
`;
