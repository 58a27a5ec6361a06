import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InvalidInputs } from '../../src/core/errors.ts';
import { findEntryPoint } from '../../src/projects/entry-point.ts';
import { loadProject } from '../../src/projects/load-project.ts';
import { fitsType } from '../../src/projects/parameter-type.ts';
import {
  parseParameterArguments,
  type ResolvedParameters,
  resolveParameters,
} from '../../src/projects/parameters.ts';
import { askPython } from '../setup/mlflow.ts';
import { makeFolder } from './project-folder.ts';

const FILES: Record<string, string> = {
  'p.yaml': 'alpha: 1.50\nflag: yes\nname: a b\nlist: [1, x]\nday: 2020-01-01\n1: one\n',
  'p.json':
    '{"alpha": 1e-3, "big": 12345678901234567890, "flag": true, "d": {"k": [1, null, "x"]}, "one": 1.0}',
  'empty.yaml': '',
  'list.yaml': '- a\n',
  'null.yaml': 'a: 1\nb:\n',
  'twice.yaml': 'a: 1\na: 2\n',
  'broken.json': '{"a": ',
  'null.json': '{"a": null}',
};
const parse = async (...words: string[]) => [
  ...(await parseParameterArguments(words, async (path) => FILES[path] ?? '')),
];

test.each([
  [['a=1'], [['a', '1']]],
  [
    ['a=', 'b==c', 'd=x=y z'],
    [
      ['a', ''],
      ['b', '=c'],
      ['d', 'x=y z'],
    ],
  ],
  [
    ['b=2', 'a=1'],
    [
      ['b', '2'],
      ['a', '1'],
    ],
  ],
  [
    ['@p.yaml'],
    [
      ['alpha', '1.5'],
      ['flag', 'True'],
      ['name', 'a b'],
      ['list', "[1, 'x']"],
      ['day', '2020-01-01'],
      ['1', 'one'],
    ],
  ],
  [
    ['@p.json'],
    [
      ['alpha', '0.001'],
      ['big', '12345678901234567890'],
      ['flag', 'True'],
      ['d', "{'k': [1, None, 'x']}"],
      ['one', '1.0'],
    ],
  ],
  [
    ['name=typed', '@p.yaml', 'new=1'],
    [
      ['alpha', '1.5'],
      ['flag', 'True'],
      ['name', 'typed'],
      ['list', "[1, 'x']"],
      ['day', '2020-01-01'],
      ['1', 'one'],
      ['new', '1'],
    ],
  ],
])('%j are the parameters %j', async (words, parameters) => {
  expect(await parse(...words)).toEqual(parameters);
});

test.each([
  [['alpha'], 2, '-P takes `name=value`, got `alpha`'],
  [['=1'], 2, '-P takes `name=value`, got `=1`'],
  [[''], 2, '-P takes `name=value`, got ``'],
  [['a=1', 'b=2', 'a=1'], 2, 'parameter `a` is given twice'],
  [['@p.yaml', '@p.json'], 2, 'parameter `alpha` is given twice'],
  [['@empty.yaml'], 1, 'the parameter file is empty (empty.yaml)'],
  [['@list.yaml'], 1, 'the parameter file holds a list (list.yaml:1)'],
  [['@null.yaml'], 1, '`b` has no value (null.yaml:2)'],
  [['@null.json'], 1, '`a` has no value (null.json)'],
  [['@twice.yaml'], 1, '`a` is given twice, first on line 1 (twice.yaml:2)'],
])('%j end with exit code %i: %s', async (words, exitCode, message) => {
  await expect(parse(...words)).rejects.toMatchObject({ exitCode, message });
});

test('JSON that is none is refused with its file', async () => {
  await expect(parse('@broken.json')).rejects.toThrow(/^broken\.json is not valid JSON: /);
});

/** What the hints repeat. */
const INVOCATION = { uri: '.', version: undefined, environmentManager: undefined };

const MLPROJECT = `entry_points:
  main:
    parameters:
      data: {type: path, default: data/train.csv}
      alpha: float
      epochs: {type: int, default: many}
      source: {type: uri, default: "s3://bucket/x"}
      flag: {type: bool, default: no}
      note: {type: string, default: ""}
    command: python train.py {data} {alpha} {epochs} {source} {flag} {note}
  search:
    parameters: {trials: int, seed: int, api_token: int, model: path}
    command: python search.py
  lists:
    parameters: {home: {type: uri, default: nowhere}, bad: {default: "a\\0b"}}
    command: x
`;

async function resolve(
  name: string,
  given: Record<string, string>,
  files: Record<string, string> = {},
): Promise<ResolvedParameters & { readonly directory: string }> {
  const directory = await makeFolder({
    'project/MLproject': MLPROJECT,
    'project/data/train.csv': '',
    'home/x': '',
    ...files,
  });
  const project = await loadProject(join(directory, 'project'));
  const entryPoint = await findEntryPoint(project, name, {});
  const entries = new Map(Object.entries(given));
  const resolved = await resolveParameters(
    entryPoint,
    entries,
    join(directory, 'home'),
    INVOCATION,
  );
  return { ...resolved, directory };
}

async function failToResolve(name: string, given: Record<string, string>): Promise<string[]> {
  const error = await resolve(name, given).catch((thrown: unknown) => thrown);
  if (!(error instanceof InvalidInputs)) throw error;
  return error.problems.map(({ message, hint }) => `${message} | ${hint}`);
}

test('values are logged as given, in the order of the file, then the others', async () => {
  const resolved = await resolve('main', { zeta: "it's", alpha: ' 1e5 ', flag: 'yes', beta: '' });
  expect(resolved.logged.map(({ key, value }) => `${key}=${value}`)).toEqual([
    'data=data/train.csv',
    'alpha= 1e5 ',
    'epochs=many',
    'source=s3://bucket/x',
    'flag=yes',
    'note=',
    "zeta=it's",
    'beta=',
  ]);
  expect(resolved.extras).toEqual([
    { key: 'zeta', value: "it's" },
    { key: 'beta', value: '' },
  ]);
  expect(Object.fromEntries(resolved.values)).toEqual({
    data: join(resolved.directory, 'project/data/train.csv'),
    alpha: ' 1e5 ',
    epochs: 'many',
    source: 's3://bucket/x',
    flag: 'yes',
    note: '',
  });
});

test('all that is wrong with the values is told at once', async () => {
  expect(
    await failToResolve('main', { data: 'gone.csv', epochs: '1.5', source: 'here', flag: 'maybe' }),
  ).toEqual([
    '`main` needs values for `alpha` (MLproject:5) | pass them: `mlts run . -P alpha=0.5`',
    'parameter `epochs` of `main` must be an int, got `1.5` (MLproject:6) | pass a whole number: `mlts run . -P epochs=10`',
    'parameter `source` of `main` must be a uri, got `here` (MLproject:7) | pass a URI: `mlts run . -P source=s3://bucket/key`',
    'parameter `flag` of `main` must be a bool, got `maybe` (MLproject:8) | pass true or false: `mlts run . -P flag=true`',
    'parameter `data` of `main` must be a path that exists, got `gone.csv` (MLproject:4) | pass a file or folder, relative to where you are, or a URI to download',
  ]);
});

test('the message of a float is as promised', async () => {
  expect(await failToResolve('main', { alpha: 'fast' })).toEqual([
    'parameter `alpha` of `main` must be a float, got `fast` (MLproject:5) | pass a number: `mlts run . -P alpha=0.5`',
  ]);
});

test('missing parameters are named together', async () => {
  expect(await failToResolve('search', { seed: '1' })).toEqual([
    '`search` needs values for `trials`, `api_token`, `model` (MLproject:12) | pass them: `mlts run . -e search -P trials=10 -P api_token=10 -P model=data/train.csv`',
  ]);
});

test('values that no command can be given are refused, defaults too', async () => {
  expect(await failToResolve('lists', { home: 's3://x', extra: '\ud800' })).toEqual([
    'parameter `bad` holds a NUL character or half a Unicode character, which no command can be given | undefined',
    'parameter `extra` holds a NUL character or half a Unicode character, which no command can be given | undefined',
  ]);
});

test('a default that is no URI is refused, as MLflow does', async () => {
  expect(await failToResolve('lists', { bad: 'x' })).toEqual([
    'parameter `home` of `lists` must be a uri, got `nowhere` (MLproject:15) | pass a URI: `mlts run . -e lists -P home=s3://bucket/key`',
  ]);
});

test('neither secrets nor control characters nor long texts are repeated', async () => {
  const problems = await failToResolve('search', {
    trials: 'https://user:hunter22@host/\u001b[31m\n',
    seed: 'x'.repeat(300),
    api_token: 'sk-12345678',
    model: 's3://b/m',
  });
  expect(problems.map((problem) => problem.split(' | ')[0])).toEqual([
    'parameter `trials` of `search` must be an int, got `https://user:****@host/\\u001b[31m\\n` (MLproject:12)',
    `parameter \`seed\` of \`search\` must be an int, got \`${'x'.repeat(200)}...\` (MLproject:12)`,
    'parameter `api_token` of `search` must be an int, got `****` (MLproject:12)',
  ]);
});

test.each([
  ['x', 'home/x'],
  ['./x', 'home/x'],
  ['../project/data', 'project/data'],
  ['a%20b', 'home/a b'],
  ['c%20d', 'home/c%20d'],
  ['file:[DIR]/home/a%20b', 'home/a b'],
  ['file://[DIR]/home/x', 'home/x'],
  ['[DIR]/home/x', 'home/x'],
])('the path %s is made absolute from where the user is', async (value, expected) => {
  const files = { 'home/a b': '', 'home/c%20d': '', 'home/c d': '' };
  const directory = await makeFolder({
    'project/MLproject': MLPROJECT,
    'home/x': '',
    'project/data/x': '',
    ...files,
  });
  const entryPoint = await findEntryPoint(
    await loadProject(join(directory, 'project')),
    'main',
    {},
  );
  const given = new Map([
    ['data', value.replace('[DIR]', directory)],
    ['alpha', '1'],
  ]);
  const { values, logged } = await resolveParameters(
    entryPoint,
    given,
    join(directory, 'home'),
    INVOCATION,
  );
  expect(values.get('data')).toBe(join(directory, expected));
  expect(logged[0]?.value).toBe(given.get('data'));
});

test("a default path is the user's own file where there is one, else the project's", async () => {
  const own = await resolve('main', { alpha: '1' }, { 'home/data/train.csv': '' });
  expect(own.values.get('data')).toBe(join(own.directory, 'home/data/train.csv'));
  const shipped = await resolve('main', { alpha: '1' });
  expect(shipped.values.get('data')).toBe(join(shipped.directory, 'project/data/train.csv'));
});

test('a path that was given is not looked for in the project', async () => {
  await expect(resolve('main', { alpha: '1', data: 'data/train.csv' })).rejects.toThrow(
    'must be a path that exists',
  );
});

test.each(['', 'absent', 'file:///absent', 'project'])('the path `%s` is missing', async (data) => {
  await expect(resolve('main', { alpha: '1', data })).rejects.toThrow('must be a path that exists');
});

test.each(['s3://bucket/x.csv', 'runs:/abc/model', 'file://host/x', 'https://h/x?y#z'])(
  '%s is to be downloaded',
  async (uri) => {
    const { downloads, values } = await resolve('search', {
      trials: '1',
      seed: '1',
      api_token: '1',
      model: uri,
    });
    expect(downloads).toEqual([{ name: 'model', uri, folder: 'param_3' }]);
    expect(values.get('model')).toBe(uri);
  },
);

test('an undeclared name that nearly is a declared one is warned of', async () => {
  const { warnings } = await resolve('main', { alpha: '1', epoch: '2', other: '3' });
  expect(warnings).toEqual([
    '`main` has no parameter `epoch`, it is appended as --epoch; did you mean `epochs`?',
  ]);
});

const TEXTS = [
  '',
  ' ',
  '0',
  '1',
  '-1',
  '+1',
  '--1',
  '007',
  '1_000',
  '1__0',
  '_1',
  '1_',
  '1.',
  '.5',
  '.',
  '1.5',
  '-1.5e3',
  '1e5',
  '1E+5',
  '1e',
  'e1',
  '1e1_0',
  '1_0.0_1',
  '1_.5',
  '1._5',
  'inf',
  '-inf',
  '+Infinity',
  'infinit',
  'nan',
  'NaN',
  '-nan',
  '0x10',
  '0b1',
  '1,0',
  ' 1 ',
  '\t1.5\n',
  '1 2',
  '\u00a01',
  '\u20091',
  '\x851',
  '\x1c1',
  '\u0661\u0662',
  '\u0661.\u0665',
  '²',
  '①',
  '1e400',
  'true',
  'None',
  '1j',
  '1L',
  '1f',
  '12345678901234567890',
  '１２',
  '𝟙',
  '1\u200b',
  '-0',
  '- 1',
  '+.5',
  '1e-5',
  '1.e5',
  '.e5',
  'a:',
  'a:b',
  'A1+.-:x',
  '1a:b',
  ':x',
  'http://x',
  ' http://x',
  'ht tp:x',
  's3://b/k',
  '/a/b',
  'C:\\x',
  'é:x',
  'file:x',
  'a_b:c',
  '//x/y',
  '\x01s3:x',
];

test('int, float and uri take what Python and MLflow take', async () => {
  const script = `
import json, sys
from mlflow.utils.data_utils import is_uri
def fits(read, text):
    try:
        return read(text) is not False
    except ValueError:
        return False
print(json.dumps([[fits(read, text) for read in (int, float, is_uri)] for text in json.loads(sys.argv[1])]))
`;
  const expected = await askPython<boolean[][]>(script, [JSON.stringify(TEXTS)]);
  const ours = TEXTS.map((text) =>
    (['int', 'float', 'uri'] as const).map((type) => fitsType(text, type)),
  );
  const show = (answers: readonly boolean[][]) =>
    answers.map((answer, position) => `${JSON.stringify(TEXTS[position])} ${answer}`);
  expect(show(ours)).toEqual(show(expected));
});

test.each(['true', 'True', 'FALSE', 'yes', 'no', 'on', 'off', '1', '0', 't', 'F', 'y', 'N'])(
  '%s is a bool',
  (text) => {
    expect(fitsType(text, 'bool')).toBe(true);
  },
);

test.each(['', '2', 'maybe', ' true', 'None', 'tru'])('`%s` is no bool', (text) => {
  expect(fitsType(text, 'bool')).toBe(false);
});
