// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of files of variables.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readDotenv } from '../../src/core/dotenv.ts';
import { askPython } from '../setup/mlflow.ts';

const READ = `
import json, logging, os, sys
from dotenv.main import DotEnv
unread = []
class Unread(logging.Handler):
    def emit(self, record): unread.append(record)
logging.getLogger("dotenv.main").addHandler(Unread())
os.environ.update(SET="outside", EMPTY="")
def read(text):
    # From a file, as the line ends of a file are read.
    with open("texts.env", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    answers = []
    for override in (False, True):
        unread.clear()
        found = DotEnv("texts.env", override=override, encoding="utf-8").dict()
        answers.append([[[k, v] for k, v in found.items() if v is not None], len(unread)])
    return answers
print(json.dumps([read(text) for text in json.load(open(sys.argv[1]))]))
`;

const ENV = { SET: 'outside', EMPTY: '' };

const TEXTS = [
  '',
  'A=1',
  'A=1\nB=2\r\nC=3\rD=4',
  '\ufeffA=1',
  '  A = 1  \n\n\t B=2\t\n',
  'A=1\nA=2',
  'export A=1\nexport\tB=2\nexport=3\nexportC=4\nexport D',
  "'A B'=1\n'C'='2'\n\"D\"=3\n''=4",
  'A\nB=\nC= \nD =',
  'A=ab#cd\nB=ab #cd\nC=ab\t# cd\nD=#ab\nE= #ab\nF=  # ab\n# G=1\n  # H=1\n#',
  'URI=postgresql://u:p#1@h/db?x=1\nB=a=b==c',
  'A="x # y" # z\nB=\'x # y\' # z\nC="x"#z\nD="x" y\nE=\'x\'y\nF=7',
  'A="two\nlines" \nB=\'two\nlines\'\nC=1',
  'A="open\nB=1\nC=\'open\nD=2',
  'A="a\\nb\\tc\\\\d\\"e\\\'f\\x\\r\\a\\b\\f\\v"',
  "A='a\\nb\\\\c\\'d\"e\\x'",
  'A=a\\nb\nB=a"b"c\nC=it\'s\nD= "spaced" \nE="" \nF=\'\'',
  'A="x\\\\"\nB=1',
  'not a binding\nA=1\n=2\nB C=3\nD=4\n?=5',
  "A=${SET}\nB=${A}-${NONE}-${NONE:-or this}-${EMPTY:-not}\nC=$SET ${SET\nD='${SET}'",
  'SET=inside\nA=${SET}\nB=${LATER}\nLATER=1\nC=${LATER:-x}${:-y}${}${A:b}',
  'A=ü ß 😀\nÜ=1\nA.B-C=2\nB=\u00a0x\u00a0',
  'A=1\n\n\nbad line here\n\nB="x\n\ny"\nbad again\nC=1',
  'A="x" \t\r\nB=\'y\'\r\nC=z \r\n',
  'export A\nexport B C=1\nexport  D = 1',
];

/** Short texts of the characters that mean something, the same in every run. */
function* listShortTexts(): Generator<string> {
  const parts = ['A', '=', ' ', '#', '"', "'", '\\', '\n', '${SET}', 'export ', 'x', '\r'];
  let state = 7;
  const next = (below: number) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
  for (let count = 0; count < 3000; count += 1) {
    yield Array.from({ length: 1 + next(12) }, () => parts[next(parts.length)]).join('');
  }
}

type Reading = readonly [
  variables: readonly (readonly [name: string, value: string])[],
  unread: number,
];

async function askPythonAbout(texts: readonly string[]): Promise<readonly Reading[][]> {
  const cwd = await mkdtemp(join(tmpdir(), 'mlts-dotenv-'));
  try {
    await writeFile(join(cwd, 'texts.json'), JSON.stringify(texts));
    return await askPython<Reading[][]>(READ, ['texts.json'], { cwd });
  } finally {
    await rm(cwd, { recursive: true });
  }
}

test('a file of variables is read as python-dotenv reads it', async () => {
  const texts = [...TEXTS, ...listShortTexts()];
  const readings = texts.map((text) =>
    [false, true].map((overrides): Reading => {
      const { variables, unreadLines } = readDotenv(text, ENV, { overrides });
      return [Object.entries(variables), unreadLines.length];
    }),
  );
  const expected = await askPythonAbout(texts);
  for (const [index, text] of texts.entries()) {
    expect({ text, reading: readings[index] }).toEqual({ text, reading: expected[index] });
  }
});
