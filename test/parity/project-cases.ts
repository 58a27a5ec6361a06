/** A project, and what is asked of it; `[DIR]` stands for its folder. */
export interface Case {
  readonly files: Readonly<Record<string, string>>;
  readonly entryPoint?: string;
  readonly given?: Readonly<Record<string, string>>;
}

const main = (command: string, parameters = '{}'): string =>
  `name: x\nentry_points:\n  main:\n    parameters: ${parameters}\n    command: ${command}\n`;

/** As they are written in YAML. */
const DEFAULTS = [
  ...'1.50 1. .5 1e3 1e-3 1.0e-3 1.0e+16 0.0001 0.00001 017 0o17 0x1F 0b11 1_000 -5 +5'.split(' '),
  ...'1:30 1:30.5 yes No on OFF true y n .inf -.inf .nan 2020-01-01 ~bc [] {a:1}'.split(' '),
  ...[
    '2020-01-01T10:00:00Z',
    '12345678901234567890',
    '100.0',
    'é',
    '"😀"',
    '"1.50"',
    "'yes'",
    '""',
  ],
  ...['"a b"', '"$(id)"', '[1, a, 1.50, yes]', '"it\'s"', '"a\\tb"', '"a\\nb"'],
];

/** MLflow and mlts make the same of them. */
export const ACCEPTED: Readonly<Record<string, Case>> = {
  'the guide': {
    files: {
      MLproject: main(
        '"python train.py --n {n} --rate {rate}"',
        '{n: {type: int, default: 100}, rate: {type: float, default: 0.1}}',
      ),
    },
    given: { n: '200' },
  },
  'every kind of default': {
    files: {
      MLproject: main(
        `"${DEFAULTS.map((_text, position) => `{p${position}}`).join(' ')}"`,
        `{${DEFAULTS.map((text, position) => `p${position}: {default: ${text}}`).join(', ')}}`,
      ),
    },
  },
  'nasty values': {
    files: {
      MLproject: main(
        'python {a} {b} {c} {d} {e}',
        '{a: string, b: str, c: {}, d: {type: string}, e: number}',
      ),
    },
    given: { a: "it's", b: '', c: '$(id) `id`', d: '-- -x\n"', e: '\\ é 😀 *' },
  },
  extras: {
    files: { MLproject: main('python {a}', '{a: string}') },
    given: { z: '1', a: '2', 'b c': "d'e", y: '' },
  },
  'braces and formats': {
    files: {
      MLproject: main(
        `"awk '{{print}}' $\{{HOME}} {a!s} {a!r} {a:>9} {a:05} {a:.2}"`,
        '{a: string}',
      ),
    },
    given: { a: 'word' },
  },
  'quotes around a placeholder': {
    files: { MLproject: main(`'python "{a}"'`, '{a: string}') },
    given: { a: 'b c' },
  },
  'names with - and spaces': {
    files: {
      MLproject: main(
        'x {my-name} {my name} {_1}',
        '{my-name: string, my name: str, _1: {default: 5}}',
      ),
    },
    given: { 'my-name': '1', 'my name': '2' },
  },
  'a folded command': {
    files: { MLproject: main('>\n      python a\n      {a}\n\n      more', '{a: {default: 1}}') },
  },
  'a literal command': {
    files: { MLproject: main('|\n      export A={a} &&\n      python a', '{a: {default: 1}}') },
  },
  'a literal command without end': {
    files: { MLproject: main('|-\n      a\n      b', '{a: {default: 1}}') },
    given: { x: '1' },
  },
  'a plain command over lines': {
    files: { MLproject: main('python\n      train.py\n      --x {a}', '{a: {default: 1}}') },
  },
  'merged parameters': {
    files: {
      MLproject:
        'base: &base {a: {default: 1}, b: {default: 2}}\nentry_points:\n  main:\n    parameters:\n      <<: *base\n      b: {default: 3}\n      c: {default: 4}\n    command: x {a} {b} {c}\n',
    },
  },
  'a parameter that the command does not use': {
    files: { MLproject: main('x', '{a: {type: float, default: 1}}') },
  },
  'another entry point': {
    files: { MLproject: `${main('x')}  other:\n    command: y {\n  third:\n    command: z\n` },
    entryPoint: 'third',
  },
  'a path': {
    files: { MLproject: main('x {p}', '{p: path}'), 'data/a b.csv': '' },
    given: { p: '[DIR]/data/a b.csv' },
  },
  'a path with an escape': {
    files: { MLproject: main('x {p}', '{p: path}'), 'data/a b.csv': '' },
    given: { p: '[DIR]/data/a%20b.csv' },
  },
  'a file URI': {
    files: { MLproject: main('x {p}', '{p: path}'), 'data/a b.csv': '' },
    given: { p: 'file://[DIR]/data/a%20b.csv' },
  },
  'a path that is not normal': {
    files: { MLproject: main('x {p}', '{p: path}'), 'data/a.csv': '' },
    given: { p: '[DIR]/./data/../data//a.csv' },
  },
  'a URI': { files: { MLproject: main('x {u}', '{u: uri}') }, given: { u: 's3://a/b c' } },
  'no MLproject, a script': {
    files: { 'train.py': '' },
    entryPoint: 'train.py',
    given: { a: 'b c' },
  },
  'a script with spaces': {
    files: { MLproject: 'name: x\n', 'my train.py': '' },
    entryPoint: 'my train.py',
  },
  'a shell script': { files: { 'sub/run.sh': '' }, entryPoint: 'sub/run.sh', given: { a: '' } },
  'an R script': { files: { 'run.R': '' }, entryPoint: 'run.R', given: { a: '1' } },
  'a conda environment': {
    files: { MLproject: `conda_env: e.yml\n${main('x')}`, 'e.yml': 'name: e\n' },
  },
  'a Python environment': {
    files: {
      MLproject: `python_env: e/p.yaml\n${main('x')}`,
      'e/p.yaml': 'python: 3.11\n',
      'conda.yaml': '',
    },
  },
  'a default conda.yaml': { files: { MLproject: main('x'), 'conda.yaml': '' } },
  'both defaults': { files: { MLproject: main('x'), 'conda.yaml': '', 'python_env.yaml': '' } },
  'an empty conda_env': {
    files: { MLproject: `conda_env: ''\n${main('x')}`, 'python_env.yaml': '' },
  },
  'a Docker environment': {
    files: {
      MLproject: `docker_env: {image: a/b:1, volumes: ["/a:/b"], environment: [A, [B, c]]}\n${main('x')}`,
      'conda.yaml': '',
    },
  },
  'an empty docker_env': { files: { MLproject: `docker_env: {}\n${main('x')}`, 'conda.yaml': '' } },
  'a lower-case name': { files: { mlproject: main('x') } },
  'unknown fields': {
    files: { MLproject: `author: me\n${main('x', '{a: {default: 1, help: h}}')}` },
  },
};

/** Neither runs them. */
export const REFUSED: Readonly<Record<string, Case>> = {
  'a missing parameter': {
    files: { MLproject: main('x {a}', '{a: float, b: int}') },
    given: { b: '1' },
  },
  'a null default': { files: { MLproject: main('x {a}', '{a: {type: float, default: null}}') } },
  'an unknown placeholder': { files: { MLproject: main('x {b}', '{a: {default: 1}}') } },
  'an entry point that is not there': { files: { MLproject: main('x') }, entryPoint: 'other' },
  'a missing path': { files: { MLproject: main('x {p}', '{p: path}') }, given: { p: '/absent/x' } },
  'a URI that is none': { files: { MLproject: main('x {u}', '{u: uri}') }, given: { u: '/a/b' } },
  'no image': { files: { MLproject: `docker_env: {volumes: []}\n${main('x')}` } },
  'two environments': {
    files: { MLproject: `docker_env: {image: a}\nconda_env: e.yml\n${main('x')}`, 'e.yml': '' },
  },
  'an absent environment': { files: { MLproject: `conda_env: e.yml\n${main('x')}` } },
};

/** Where we go beyond MLflow on purpose, and it refuses or does something else: [case, our command]. */
export const BEYOND: Readonly<Record<string, readonly [Case, command: string]>> = {
  'extras after a block command': [
    { files: { MLproject: main('|\n      python a\n') }, given: { x: '1' } },
    'python a --x 1',
  ],
  'a name with a dot': [
    { files: { MLproject: main('x {a.b}', '{a.b: string}') }, given: { 'a.b': '1' } },
    'x 1',
  ],
  'a script with a brace in its name': [
    { files: { 'a{b}.py': '' }, entryPoint: 'a{b}.py' },
    "python 'a{b}.py'",
  ],
  'empty parameters': [{ files: { MLproject: main('x', '') } }, 'x'],
  'a path with % in its name': [
    { files: { MLproject: main('x {p}', '{p: path}'), 'a%20b': '' }, given: { p: '[DIR]/a%20b' } },
    'x [DIR]/a%20b',
  ],
};
