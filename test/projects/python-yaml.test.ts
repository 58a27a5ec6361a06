import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatPythonRepr, formatPythonText } from '../../src/core/python-value.ts';
import { createFileReport } from '../../src/projects/file-report.ts';
import { parsePythonYaml } from '../../src/projects/python-yaml.ts';
import { askPython } from '../setup/mlflow.ts';

const SAFE_LOAD = `
import json, sys, yaml
def load(text):
    try:
        value = yaml.safe_load(text)
        return {"text": str(value), "repr": repr(value)}
    except Exception:
        return "refused"
print(json.dumps([load(text) for text in json.load(open(sys.argv[1]))]))
`;

/** Numbers, dates and words at the borders between YAML 1.1's types, and nearly all short texts around them. */
function* listScalars(): Generator<string> {
  yield* WORDS;
  const signs = ['', '-', '+'];
  for (const sign of signs) for (const number of NUMBERS) yield sign + number;
  for (const time of TIMES) for (const zone of ZONES) yield `2001-12-14${time}${zone}`;
  const alphabet = ['0', '1', '8', '.', '_', 'e', '-', '+', 'x', 'b', 'o', 'n'];
  for (const a of alphabet) {
    for (const b of alphabet) {
      yield a + b;
      for (const c of alphabet) yield a + b + c;
    }
  }
}
const WORDS =
  'y Y n N yes Yes YES yEs no No NO true True TRUE tRue false off Off OFF on On ON null Null NULL nUll ~ none None nan inf .inf .Inf .INF .nan .NaN .NAN .iNf a hello a_b 1a x1 1,000 12:30:45 1:30 1:60 01:30 190:20:30 190:20:30.15 1:2:3:4 1:30.5 0:30 0:30.5 2020-01-01 2020-1-1 2020-13-01 2020-02-30 2024-02-29 2023-02-29 0000-01-01 9999-12-31 2020-01-01x 20200101 <a =a 3.9 3.10 1.2.3'.split(
    ' ',
  );
const NUMBERS =
  '0 00 07 08 09 017 0o17 0x1F 0xfF 0X1F 0x_1 0x 0b101 0b2 0b_1 0B1 0_7 1_000 1__0 1_ 12345678901234567890123 1.5 1.50 1. .5 1e3 1E3 1e+3 1.e3 1.e+3 1.0e-3 1.0e3 1.0E+3 1.5e+300 1.5e+400 1.0e-400 1e-3 0.0001 0.00001 0.00012345 0.1 123456789.123456789 1000000000000000.0 10000000000000000.0 1.0e+16 1.0e+15 1.0e+21 1.0e+22 1.7976931348623157e+308 5.0e-324 0.30000000000000004 100.0 1_0.0_1 ._1 .1_ 0.0 1._5 .inf .nan .Inf 1:30 1:30.5 59:59:59 0.'.split(
    ' ',
  );
const TIMES = [
  't21:59:43.10',
  'T21:59:43',
  ' 21:59:43',
  '  1:59:43.1234567',
  ' 21:59:43.',
  ' 21:59:00',
  ' 00:00:00',
  ' 24:00:00',
  ' 21:60:00',
  ' 21:59',
  ' 21:59:43.000100',
];
const ZONES = [
  '',
  'Z',
  ' Z',
  '-5',
  ' -05:00',
  '+05:30',
  ' +0',
  '+24:00',
  ' -23:59',
  '-1:5',
  ' +00:30',
  'z',
];

/** Whole documents: quoting, folding, nesting, tags, aliases, merges. */
const DOCUMENTS = [
  '"1.50"',
  "'yes'",
  '"a\\tb\\u00e9\\x41\\U0001F600"',
  '|\n  two\n  lines\n',
  '>\n  folded\n  text\n\n  more\n',
  '|-\n  stripped\n',
  '>+\n  kept\n\n',
  '[]',
  '{}',
  '[1, 1.50, yes, ~, "1", 2020-01-01, a b]',
  '{a: 1, 2: b, yes: no, 1.50: .inf, ~: ~}',
  '- a\n- - b\n  - c\n- d: e\n',
  'a: {b: [c, {d: e}]}',
  '[a, b: c]',
  '{a, b}',
  'a:\nb:\n',
  '? a\n: b\n',
  '["it\'s", \'say "x"\', "both \' and \\"", "tab\\t", "nl\\n", "\\\\", "\\x00\\x7f\\x85\\xa0\\u2028\\u200b\\ufeff", é, "😀", "\\U000e0001"]',
  '[2001-12-14t21:59:43.10-05:00, 2001-12-14 21:59:43Z, 2001-12-15 2:59:43.1, 2001-12-14 21:00:00 +1, 2001-12-14 00:00:00]',
  '!!str 5',
  '!!str 2020-01-01',
  '!!float 5',
  '!!int 5',
  '!!bool yes',
  '!!null ~',
  '! 5',
  '! "5"',
  '! a',
  '!!map {a: 1}',
  '!!seq [1]',
  '!!timestamp 2020-01-01',
  '[&a 1, *a, &b [x], *b]',
  'base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n  z: 4\n',
  // Which comes first where both have other keys too depends on the version of PyYAML.
  'use:\n  y: 3\n  <<: [{x: 1}, {x: 2}]\n',
  '"<<": 1',
  'a: "<<"',
  '%YAML 1.2\n---\na: 0o17\nb: yes\n',
  '---\na: 1\n...\n',
  '\uFEFFa: 1\n',
  'a: 1 # comment\n# more\n',
  'a: b#c\n',
  "a: 'it''s'\n",
  'a: http://x/y?z#1\n',
  'a: -1\nb: - 1\n'.slice(0, 6),
  'a: plain\n  over lines\n',
  '{a: "x", "b": y}',
  'a: "x\n  y"\n',
  'a:\r\n  b: 1\r\n',
  '- 1\n-\n- ~\n',
  'a: !!str\n',
  '"\\/"',
  '{"a": 1}',
  '{a: [1,2,], }',
];

test('scalars and documents have the text that Python gives them', async () => {
  const texts = [...new Set([...[...listScalars()].map((scalar) => `[${scalar}]`), ...DOCUMENTS])];
  const expected = await askSafeLoad(texts);
  const differences: unknown[] = [];
  for (const [position, text] of texts.entries()) {
    const ours = await load(text);
    const theirs = expected[position];
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) differences.push({ text, ours, theirs });
  }
  expect(differences).toEqual([]);
  expect(texts.length).toBeGreaterThan(1_900);
});

async function load(text: string): Promise<Loaded> {
  const report = createFileReport('x.yaml');
  const value = await parsePythonYaml(text, report);
  if (value === undefined || report.problems.length > 0) return 'refused';
  return { text: formatPythonText(value), repr: formatPythonRepr(value) };
}

type Loaded = { readonly text: string; readonly repr: string } | 'refused';

async function askSafeLoad(texts: readonly string[]): Promise<Loaded[]> {
  const directory = await mkdtemp(join(tmpdir(), 'mlts-yaml-'));
  try {
    await writeFile(join(directory, 'texts.json'), JSON.stringify(texts));
    return await askPython<Loaded[]>(SAFE_LOAD, [join(directory, 'texts.json')]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Where we refuse and PyYAML reads on, or fails later: [text, what we say]. */
const REFUSED: readonly [text: string, problem: string][] = [
  ['a: 1\nb: 2\na: 3\n', '`a` is given twice, first on line 1 (x.yaml:3)'],
  ['? [1]\n: 2\n', '`[1]` cannot be a key (x.yaml:1)'],
  ['a:\n\tb: 1\n', 'not valid YAML: Tabs are not allowed as indentation (x.yaml:2)'],
  ['a: 1\n---\nb: 2\n', 'not valid YAML: there is more than one document (x.yaml:2)'],
  ['a: b: c\n', 'not valid YAML: Nested mappings are not allowed in compact mappings (x.yaml:1)'],
  ['a: *b\n', '`*b` stands for nothing: there is no `&b` before it (x.yaml:1)'],
  ['a: 1\nb: !foo x\n', 'the YAML tag `!foo` is not understood here (x.yaml:2)'],
  ['a: !!set {x}\n', 'the YAML tag `!!set` is not understood here (x.yaml:1)'],
  ['a: !!int five\n', 'the YAML tag `!!int` is not understood here (x.yaml:1)'],
  ['a: 2020-02-30\n', '`2020-02-30` looks like a date but is none (x.yaml:1)'],
  ['a: 0b_\n', '`0b_` looks like an integer but is none (x.yaml:1)'],
  ['a: 1\n<<: 5\n', '`<<` takes a mapping or a list of mappings (x.yaml:2)'],
];

test.each(REFUSED)('%j is refused: %s', async (text, problem) => {
  const report = createFileReport('x.yaml');
  await parsePythonYaml(text, report);
  expect(report.problems.map(({ message }) => message)).toEqual([problem]);
});

const TOO_MUCH =
  'the YAML is nested too deeply, or its aliases (`*name`) stand for too much (x.yaml:';
const BOMBS = {
  'aliases of aliases': [
    'a0: &a0 [x, x, x, x, x, x, x, x, x]',
    ...[1, 2, 3, 4, 5, 6, 7, 8].map(
      (level) =>
        `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
    ),
  ].join('\n'),
  'aliases of a long text': `a: &a ${'x'.repeat(100_000)}\nb: [${Array(1_000).fill('*a').join(', ')}]`,
  'an alias of itself': 'a: &a [*a]\n',
  'deep nesting': `a: ${'['.repeat(500)}${']'.repeat(500)}\n`,
};

test.each(Object.entries(BOMBS))('%s end in one clear problem', async (_name, text) => {
  const report = createFileReport('x.yaml');
  await parsePythonYaml(text, report);
  expect(report.problems).toHaveLength(1);
  expect(report.problems[0]?.message).toContain(TOO_MUCH);
});

test('nesting that no parser survives is a clear problem too', async () => {
  const report = createFileReport('x.yaml');
  await parsePythonYaml('['.repeat(100_000), report);
  expect(report.problems.map(({ message }) => message)).toEqual([
    'not valid YAML: it is nested too deeply (x.yaml:1)',
  ]);
});
