import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteForShell } from '../../src/core/shell-word.ts';
import { buildCommand, findTemplateProblem } from '../../src/projects/command.ts';
import type { EntryPoint, ParameterType } from '../../src/projects/project.ts';
import { formatTemplate, TemplateFault } from '../../src/projects/python-format.ts';
import { askPython } from '../setup/mlflow.ts';

function entryPointOf(command: string, names: readonly string[] = []): EntryPoint {
  const type: ParameterType = 'string';
  const parameters = names.map((name) => ({ name, type, default: undefined, line: 4 }));
  return {
    name: 'main',
    command,
    commandLine: 5,
    parameters,
    file: '/p/MLproject',
    line: 2,
    problems: [],
  };
}

function build(
  command: string,
  values: Record<string, string> = {},
  extras: Record<string, string> = {},
): string {
  const others = Object.entries(extras).map(([key, value]) => ({ key, value }));
  return buildCommand(
    entryPointOf(command, Object.keys(values)),
    new Map(Object.entries(values)),
    others,
  );
}

test.each([
  ['python x', {}, {}, 'python x'],
  ['python x {a}', { a: 'b c' }, {}, "python x 'b c'"],
  ['python x {a}', { a: '' }, {}, "python x ''"],
  ['{my-p} {a.b} {a b} {é}', { 'my-p': '1', 'a.b': '2', 'a b': '3', é: '4' }, {}, '1 2 3 4'],
  ['x {a.b}', { a: '1', 'a.b': '2' }, {}, 'x 2'],
  [`awk '{{print $1}}' \${{HOME}} {{{a}}}`, { a: '1' }, {}, `awk '{print $1}' \${HOME} {1}`],
  ['x "{a}"', { a: 'b c' }, {}, `x "'b c'"`],
  ['x', {}, { k: 'v w', '--': '-x', "it's": '' }, `x --k 'v w' ---- -x --'it'"'"'s' ''`],
  ['x\ny\n\n', {}, { k: 'v' }, 'x\ny --k v'],
  ['x\n', {}, {}, 'x\n'],
  [
    '{a!s} {a!r} {a!a} {a:>4}|{a:*^5}|{a:4}|{a:04}|{a:.1s}|{a:{n}}|',
    { a: 'xy', n: '3' },
    {},
    "xy 'xy' 'xy'   xy|*xy**|xy  |xy00|x|xy |",
  ],
])('%j with %j and %j is %j', (command, values, extras, expected) => {
  expect(build(command, values as Record<string, string>, extras as Record<string, string>)).toBe(
    expected,
  );
});

const at = (position: number) => `, at character ${position} (MLproject:5)`;
test.each([
  [
    'x {b}',
    '`{b}` is no parameter',
    3,
    'declare it under `parameters`, or write `{{b}}` for braces that the shell is to see',
  ],
  ['x {alhpa}', '`{alhpa}` is no parameter', 3, 'did you mean `{alpha}`?'],
  [
    `x \${HOME}`,
    '`{HOME}` is no parameter',
    4,
    'declare it under `parameters`, or write `{{HOME}}` for braces that the shell is to see',
  ],
  [
    "awk '{print $1}'",
    '`{print $1}` is no parameter',
    6,
    'declare it under `parameters`, or write `{{print $1}}` for braces that the shell is to see',
  ],
  ['x {}', '`{}` names no parameter', 3, 'write `{{}}` for braces'],
  [
    'x {0}',
    '`{0}` is no parameter',
    3,
    'declare it under `parameters`, or write `{{0}}` for braces that the shell is to see',
  ],
  ['x {', 'a `{` is never closed', 3, 'write `{{` for a brace itself'],
  ['x {alpha', 'a `{` is never closed', 3, 'write `{{` for a brace itself'],
  ['x }', 'a `}` has no `{` before it', 3, 'write `}}` for a brace itself'],
  ['{alpha}}', 'a `}` has no `{` before it', 8, 'write `}}` for a brace itself'],
  ['{alpha[0]}', '`{alpha[0]}` takes a part of `alpha`', 1, 'use `{alpha}`'],
  ['{alpha.upper}', '`{alpha.upper}` takes a part of `alpha`', 1, 'use `{alpha}`'],
  ['{alpha!x}', '`!x` is no conversion', 1, 'leave it out'],
  ['{alpha:+5}', '`:+5` is no format of a text', 1, 'leave it out'],
  ['{alpha:d}', '`:d` is no format of a text', 1, 'leave it out'],
  ['{alpha:99999999}', '`:99999999` is no format of a text', 1, 'leave it out'],
])('%j cannot be filled in: %s', (command, message, position, hint) => {
  const problem = findTemplateProblem(entryPointOf(command, ['alpha']));
  expect({ message: problem?.message, hint: problem?.hint }).toEqual({
    message: `the command of \`main\` cannot be filled in: ${message}${at(position)}`,
    hint,
  });
});

test.each(['{a!r}', '{a!a}', '{a:.3}'])(
  '%s would undo the quoting of a value that needs it',
  (command) => {
    expect(() => build(command, { a: '$(id)' })).toThrow(
      /would undo the quoting of this value, at character 1/,
    );
    expect(findTemplateProblem(entryPointOf(command, ['a']))).toBeUndefined();
  },
);

test.each(['\0', 'a\0b', '\ud800', 'x\udc00y'])('%j is refused', (value) => {
  expect(() => build('x {a}', { a: value })).toThrow('cannot be passed to a command');
  expect(() => build('x', {}, { k: value })).toThrow('cannot be passed to a command');
  expect(() => build('x', {}, { [value]: 'v' })).toThrow('cannot be passed to a command');
});

/** Characters with a meaning to some shell, in some quoting, or to Python's format. */
const NASTY = [
  ...`'"\\$\`!*?[]{}()<>|&;#~=%^-+,.:/@ \t\n\r`,
  '$(id)',
  '`id`',
  `\${HOME}`,
  '{a}',
  '{{',
  '%s',
  '\\n',
  "'\"'\"'",
  '\u0001',
  '\u001b',
  '\u007f',
  'é',
  '日本',
  '😀',
  '\u200b',
  '\u2028',
  '\ufeff',
  'e\u0301',
];
const nastyText = fc
  .oneof(
    {
      weight: 3,
      arbitrary: fc
        .array(fc.constantFrom(...NASTY), { maxLength: 12 })
        .map((parts) => parts.join('')),
    },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '',
        '-',
        '--',
        '-n',
        '--help',
        '-e x',
        '*',
        '~',
        '~root',
        '!!',
        '\\',
        "'",
        '"',
        '\n',
        ' ',
      ),
    },
  )
  .filter((text) => !text.includes('\0'));

interface Words {
  readonly values: readonly string[];
  readonly extras: readonly (readonly [name: string, value: string])[];
}
const words: fc.Arbitrary<Words> = fc.record({
  values: fc.array(nastyText, { minLength: 1, maxLength: 5 }),
  extras: fc.uniqueArray(fc.tuple(nastyText, nastyText), {
    maxLength: 3,
    selector: ([name]) => name,
  }),
});

/** Every argument, each ended by a NUL, just as a program gets it. */
const PRINT_ARGUMENTS = "printf '%s\\0' ";

// Hundreds of shells, which a busy machine starts slowly.
test('what the command gets is what was given, byte for byte', { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(words, ({ values, extras }) => {
      const names = values.map((_value, position) => `p${position}`);
      const template = PRINT_ARGUMENTS + names.map((name) => `{${name}}`).join(' ');
      const named = new Map(values.map((value, position) => [`p${position}`, value]));
      const command = buildCommand(
        entryPointOf(template, names),
        named,
        extras.map(([key, value]) => ({ key, value })),
      );
      const expected = [...values, ...extras.flatMap(([name, value]) => [`--${name}`, value])];
      const printed = execFileSync('bash', ['-c', command]);
      expect(printed.equals(Buffer.from(expected.map((word) => `${word}\0`).join('')))).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test('quoting is that of shlex.quote', async () => {
  const texts = [...NASTY, ...fc.sample(nastyText, 500)];
  const script = 'print(json.dumps([shlex.quote(text) for text in json.load(open(sys.argv[1]))]))';
  expect(texts.map(quoteForShell)).toEqual(await askAbout(script, texts));
});

test('templates are filled in as str.format does, wherever ours can be', async () => {
  const values = { a: 'xy', 'a-b': "'q r'", n: '3', é: '1', 'a b': 'w' };
  const pieces = [
    '{a}',
    '{n}',
    '{a-b}',
    '{é}',
    '{a b}',
    '{{',
    '}}',
    '{',
    '}',
    '{a',
    'a}',
    '{a!r}',
    '{a!s}',
    '{a!a}',
    '{a!x}',
    '{a!}',
    '{a:}',
    '{a:5}',
    '{a:>5}',
    '{a:^7}',
    '{a:<5s}',
    '{a:*>5}',
    '{a:05}',
    '{a:0>5}',
    '{a:.1}',
    '{a:5.1}',
    '{a:d}',
    '{a:=5}',
    '{a:{n}}',
    '{a:>{n}}',
    '{a:{n}.{n}}',
    '{a:{n:{n}}}',
    '{a!r:6}',
    '{a-b:9}',
    '{a-b!s}',
    '{}',
    '{0}',
    '{x}',
    '{a.b}',
    '{a[0]}',
    '{a[}]}',
    '{ a}',
    '{a }',
    '{a:}}',
    '{{a}}',
    '{{{a}}}',
    '{{{{a}',
    '{a!r:}',
    '{a:é>4}',
    '{a:😀>4}',
    '{a:\n>4}',
    `\${a}`,
    ' ',
    'x',
    '"{a}"',
    "'",
    '\n',
    '{a:,}',
    '{a:+}',
    '{a:#}',
    '{a: }',
    '{a:10000}',
    '{a{n}}',
    '{{}}',
    '{a:{{}}}',
  ];
  const templates = [
    ...pieces,
    ...pieces.flatMap((first) => pieces.map((second) => first + second)),
  ];
  const script = `
def fill(template, values):
    try:
        return template.format(**values)
    except Exception:
        return None
templates, values = json.load(open(sys.argv[1]))
print(json.dumps([fill(template, values) for template in templates]))`;
  const expected = await askAbout<(string | null)[]>(script, [templates, values]);
  const ours = templates.map((template) => tryFormat(template, values));
  const show = (texts: readonly (string | null)[]) =>
    texts.map((text, position) => [templates[position], text]);
  // All that Python takes and we refuse is a part of a value.
  const refused = templates.filter(
    (_template, position) => ours[position] === null && expected[position] !== null,
  );
  expect(refused.filter((template) => !/\{a\[0\]\}/.test(template))).toEqual([]);
  expect(show(ours).filter(([, text]) => text !== null)).toEqual(
    show(expected).filter((_entry, position) => ours[position] !== null),
  );
  expect(ours.filter((text) => text !== null).length).toBeGreaterThan(800);
});

function tryFormat(template: string, values: Readonly<Record<string, string>>): string | null {
  try {
    return formatTemplate(template, new Map(Object.entries(values)));
  } catch (error) {
    if (error instanceof TemplateFault) return null;
    throw error;
  }
}

/** Python over data too long for an argument. */
async function askAbout<T>(script: string, data: unknown): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'mlts-ask-'));
  try {
    await writeFile(join(directory, 'data.json'), JSON.stringify(data));
    return await askPython<T>(`import json, shlex, sys\n${script}`, [join(directory, 'data.json')]);
  } finally {
    await rm(directory, { recursive: true });
  }
}
