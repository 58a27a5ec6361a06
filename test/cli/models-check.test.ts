import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureModels } from '../setup/models.ts';
import { createRig, type Rig } from './rig.ts';

let rig: Rig;
beforeAll(() => {
  rig = createRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

interface Parts {
  readonly mlmodel?: string;
  readonly inputs?: readonly object[];
  readonly example?: unknown;
  readonly requirements?: string;
  readonly python?: string;
}

let count = 0;
/** Writes a model that is fine but for what is said, and checks it. */
async function check(parts: Parts, ...flags: readonly string[]) {
  count += 1;
  const name = `model-${count}`;
  const example = parts.example === undefined ? {} : { 'input.json': parts.example };
  const inputs = parts.inputs ?? [{ name: 'a', type: 'double', required: true }];
  const lines = [
    parts.mlmodel ??
      'flavors:\n  python_function:\n    loader_module: m\n    env: {conda: conda.yaml, virtualenv: python_env.yaml}',
    'mlflow_version: 3.1.0',
    ...(inputs.length === 0 ? [] : [`signature: {inputs: '${JSON.stringify(inputs)}'}`]),
    ...(parts.example === undefined
      ? []
      : ['saved_input_example_info: {artifact_path: input.json, type: dataframe}']),
  ];
  const files: Record<string, unknown> = {
    MLmodel: `${lines.join('\n')}\n`,
    'conda.yaml': 'dependencies: [python=3.11, {pip: [mlflow]}]\n',
    'python_env.yaml': `python: "${parts.python ?? '3'}"\ndependencies: [-r requirements.txt]\n`,
    'requirements.txt': parts.requirements ?? 'mlflow==3.1.0\n',
    ...example,
  };
  const texts = Object.entries(files).map(([file, text]) => [
    join(name, file),
    typeof text === 'string' ? text : JSON.stringify(text),
  ]);
  await rig.write(Object.fromEntries(texts));
  const ended = await rig.mlts(['models', 'check', name, '-o', 'json', ...flags]);
  const { findings = [] } = ended.stdout === '' ? {} : JSON.parse(ended.stdout);
  const rules = (findings as { level: string; rule: string }[]).map(
    ({ level, rule }) => `${level} ${rule}`,
  );
  return { ...ended, rules, findings };
}

test('a model that can be served: exit 0, nothing found', async () => {
  const { exitCode, rules, stderr } = await check({});
  expect({ exitCode, rules }).toEqual({ exitCode: 0, rules: [] });
  expect(stderr).toContain('can be served');
});

const table = (columns: readonly string[], ...data: readonly (readonly unknown[])[]) => ({
  columns,
  data,
});
const column = (name: string, type: string, required = true) => ({ name, type, required });
const EVIL = 'flavors:\n  python_function: {loader_module: m, data: ../../etc}';

describe('findings and exit codes', () => {
  test.each<readonly [string, Parts, number, readonly string[]]>([
    ['no signature', { inputs: [] }, 3, ['warning missing-signature']],
    ['whole numbers', { inputs: [column('a', 'long')] }, 0, ['note integer-columns']],
    ['an example that fits', { example: table(['a'], [1.5], [null]) }, 0, []],
    [
      'an example without a column, and with another',
      { example: table(['b'], [1]) },
      3,
      ['error example-against-signature', 'warning example-against-signature'],
    ],
    [
      'a missing whole number',
      { inputs: [column('a', 'integer', false)], example: table(['a'], [1], [null]) },
      3,
      ['note integer-columns', 'error example-against-signature'],
    ],
    [
      'a text in a column of numbers',
      { example: table(['a'], ['x']) },
      3,
      ['error example-against-signature'],
    ],
    [
      'a number in a column of texts',
      { inputs: [column('a', 'string')], example: table(['a'], [1]) },
      3,
      ['warning example-against-signature'],
    ],
    ['an example that is no JSON', { example: '{' }, 3, ['warning unreadable-example']],
    [
      'requirements',
      { requirements: 'mlflow>=2\n./wheels/a.whl\nnumpy==1.*\nnot a requirement\n-c more.txt\n' },
      3,
      ['warning local-requirement', 'warning unpinned-requirement', 'error unreadable-requirement'],
    ],
    ['an older MLflow', { requirements: 'mlflow==2.9.2\n' }, 3, ['warning older-mlflow']],
    [
      'a flavor that Python cannot load',
      { mlmodel: 'flavors: {spark: {}}' },
      3,
      ['error no-python-function'],
    ],
    [
      'a file that is not there',
      {
        mlmodel:
          'flavors:\n  python_function: {loader_module: m, data: model.pkl, env: {conda: conda.yaml, virtualenv: python_env.yaml}}',
      },
      3,
      ['error missing-file'],
    ],
    ['a path that leads out', { mlmodel: EVIL }, 3, ['error path-outside-model']],
    ['a damaged python_env.yaml', { python: '3"\nbad: "' }, 3, ['error environment-file']],
  ])('%s', async (_title, parts, exitCode, rules) => {
    const ended = await check(parts);
    expect(ended.rules).toEqual(rules);
    expect(ended.exitCode).toBe(exitCode);
    expect(ended.findings.every((one: { hint: string }) => one.hint !== '')).toBe(true);
  });

  test('a Python that is not here', async () => {
    const { exitCode, rules } = await check({ python: '3.99' });
    expect(exitCode).toBe(3);
    expect(rules).toEqual([expect.stringMatching(/^(error|warning) missing-python$/)]);
  });

  test('--strict counts notes', async () => {
    const parts = { inputs: [column('a', 'long')] };
    expect((await check(parts, '--strict')).exitCode).toBe(3);
  });

  test('--online asks the index', async () => {
    const missing = await check({ requirements: 'mlflow==99.99.99\n' }, '--online');
    expect(missing.rules).toEqual(['error requirements-not-to-be-had']);
    const fine = await check({ requirements: 'six==1.16.0\n' }, '--online');
    expect(fine.rules).toEqual([]);
  }, 120_000);

  test('what is no model is an error, not a finding', async () => {
    const ended = await rig.mlts(['models', 'check', 'nothing']);
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
  });
});

test('models that MLflow made: pickles are named, and the table says the mend', async () => {
  const ended = await rig.mlts(['models', 'check', join(await ensureModels(), 'numbers')]);
  expect(ended.exitCode).toBe(3);
  expect(ended.stdout).toContain('warning: `mlflow` and `scikit-learn`: no exact version');
  expect(ended.stdout).toContain('note: `model.pkl`: loading a pickle runs whatever code is in it');
});
