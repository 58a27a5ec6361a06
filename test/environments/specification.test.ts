import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseSpecification, readSpecification } from '../../src/environments/specification.ts';
import { createWorkspace } from '../setup/environments.ts';

const NOTHING = {
  python: undefined,
  buildDependencies: [],
  dependencies: [],
  condaOnly: [],
  warnings: [],
};

describe('python_env.yaml', () => {
  test.each([
    ['nothing', '', NOTHING],
    ['only a Python', 'python: "3.9"', { ...NOTHING, python: '3.9' }],
    ['three parts need no quotes', 'python: 3.9.18', { ...NOTHING, python: '3.9.18' }],
    ['empty values', 'python:\ndependencies:\nbuild_dependencies: []', NOTHING],
    [
      'both groups, options included',
      'build_dependencies: [pip, wheel==0.45]\ndependencies:\n  - -r requirements.txt\n  - --no-index\n',
      {
        ...NOTHING,
        buildDependencies: ['pip', 'wheel==0.45'],
        dependencies: ['-r requirements.txt', '--no-index'],
      },
    ],
    [
      'an anchor and its alias',
      'build_dependencies: &both [six]\ndependencies: *both\n',
      { ...NOTHING, buildDependencies: ['six'], dependencies: ['six'] },
    ],
    [
      'a key that stands twice: the last counts',
      'python: "3.9"\npython: "3.10"',
      { ...NOTHING, python: '3.10' },
    ],
  ])('%s', async (_what, text, expected) => {
    expect(await parseSpecification(text, 'python_env', 'python_env.yaml')).toEqual(expected);
  });

  test.each([
    [
      'an unquoted version',
      '\npython: 3.10',
      ['`python` must be a string, YAML reads the number 3.1 (python_env.yaml:2)'],
    ],
    [
      'all problems at once, in the order of the file',
      'dependecies: [six]\npython: 3\nbuild_dependencies: pip\ndependencies:\n  - six\n  - 1.5\n  - {a: b}\n',
      [
        'unknown key `dependecies` (python_env.yaml:1)',
        '`python` must be a string, YAML reads the number 3 (python_env.yaml:2)',
        '`build_dependencies` must be a list (python_env.yaml:3)',
        '`dependencies` has 1.5, expected text (python_env.yaml:6)',
        '`dependencies` has {"a":"b"}, expected text (python_env.yaml:7)',
      ],
    ],
    ['a list', '- six', ['expected `key: value` lines (python_env.yaml:1)']],
  ])('refused: %s', async (_what, text, messages) => {
    const parsing = parseSpecification(text, 'python_env', 'python_env.yaml');
    const error = await parsing.then(undefined, (reason) => reason);
    expect(error.problems.map((problem: Error) => problem.message)).toEqual(messages);
    expect(error.problems.every((problem: { hint?: string }) => problem.hint)).toBe(true);
  });

  test('refused: broken YAML, with its line', async () => {
    const parsing = parseSpecification('python: "3.9"\ndependencies: [', 'python_env', 'e.yaml');
    await expect(parsing).rejects.toThrow(/not valid YAML: .* \(e\.yaml:2\)/);
  });
});

const GUIDE = `name: churn-prediction-env
channels:
  - conda-forge
  - defaults
dependencies:
  - python=3.9
  - pip
  - scikit-learn=1.2.0
  - pandas=1.5.0
  - pip:
    - mlflow>=2.0
    - xgboost>=1.7
`;

describe('conda.yaml', () => {
  test('gives its Python, its pip part, and one warning that names the rest', async () => {
    expect(await parseSpecification(GUIDE, 'conda_env', 'conda.yaml')).toEqual({
      python: '3.9',
      buildDependencies: ['pip'],
      dependencies: ['mlflow>=2.0', 'xgboost>=1.7'],
      condaOnly: ['scikit-learn=1.2.0', 'pandas=1.5.0'],
      warnings: [
        'conda.yaml has packages that only conda installs, this environment will not have them: ' +
          'scikit-learn=1.2.0, pandas=1.5.0; add them under `pip:` (`scikit-learn==1.2.0`) or use --env-manager conda',
      ],
    });
  });

  test.each([
    [
      'dependencies: [python=3.8.13, pip=21.3, setuptools<60, wheel>=0.37]',
      '3.8.13',
      ['pip==21.3', 'setuptools<60', 'wheel>=0.37'],
    ],
    ['dependencies: [python>=3.8]', '3.8', []],
    ['dependencies: [python==3.8]', '3.8', []],
  ])('%s', async (text, python, buildDependencies) => {
    const specification = await parseSpecification(text, 'conda_env', 'conda.yaml');
    expect(specification).toMatchObject({ python, buildDependencies, warnings: [] });
  });

  test.each(['name: x', 'dependencies: [pip]', 'dependencies: [python=3.9.*]'])(
    'warns that no Python is pinned: %s',
    async (text) => {
      const { python, warnings } = await parseSpecification(text, 'conda_env', 'conda.yaml');
      expect(python).toBeUndefined();
      expect(warnings[0]).toMatch(/^conda\.yaml does not pin a Python version/);
    },
  );

  test.each([
    [
      'dependencies:\n  - pip\n  - python\n',
      'Invalid dependency for python: `python` must be pinned (conda.yaml:3)',
    ],
    [
      'dependencies: [python<3.9]',
      'Invalid version comparator for python: `<` in `python<3.9` (conda.yaml:1)',
    ],
    [
      'dependencies: [python!=3.9]',
      'Invalid version comparator for python: `!=` in `python!=3.9` (conda.yaml:1)',
    ],
    ['dependencies:\n  - {npm: [x]}\n', 'Invalid conda dependency: {"npm":["x"]} (conda.yaml:2)'],
    [
      'dependencies:\n  - python=3.9\n  - pip: six\n',
      'Invalid conda dependency: {"pip":"six"} (conda.yaml:3)',
    ],
    ['dependencies: python=3.9', '`dependencies` must be a list (conda.yaml:1)'],
  ])('refused: %j', async (text, message) => {
    const parsing = parseSpecification(text, 'conda_env', 'conda.yaml');
    const error = await parsing.then(undefined, (reason) => reason);
    expect(error.problems.map((problem: Error) => problem.message)).toEqual([message]);
  });
});

test('a pipe is not waited for', async () => {
  await using workspace = await createWorkspace();
  const file = join(workspace.directory, 'python_env.yaml');
  await promisify(execFile)('mkfifo', [file]);
  const source = { kind: 'python_env', file, directory: workspace.directory } as const;
  await expect(readSpecification(source)).rejects.toThrow(`${file} is not a regular file`);
});

test.each([
  ['stand for too much', `a: &a [x${', x'.repeat(9)}]\n${bomb()}dependencies: *e\n`],
  ['stand for nothing', 'python: *nope\n'],
  ['stand for themselves', 'dependencies: &x [*x]\n'],
])('aliases that %s are a problem of the file', async (_what, text) => {
  const reading = parseSpecification(text, 'python_env', 'python_env.yaml');
  await expect(reading).rejects.toMatchObject({ name: 'InvalidInputs' });
});

function bomb(): string {
  const letters = ['a', 'b', 'c', 'd', 'e'];
  const lines = letters.slice(1).map((letter, index) => {
    const nine = Array.from({ length: 9 }, () => `*${letters[index]}`);
    return `${letter}: &${letter} [${nine.join(', ')}]\n`;
  });
  return lines.join('');
}
