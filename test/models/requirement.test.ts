import { describe, expect, test } from 'vitest';
import { formatRequirement, parseRequirement } from '../../src/models/requirement.ts';
import { askPython } from '../setup/mlflow.ts';

const TEXTS = [
  'mlflow',
  ' mlflow==3.17.2 ',
  'mlflow >= 2.8, != 2.9.0',
  'numpy>=1.2,<2,!=1.5',
  'numpy (>=1.2,<2)',
  'numpy<2 , >=1.2',
  'numpy ~= 1.4',
  'numpy~=1',
  'numpy==1.*',
  'numpy>=1.*',
  'numpy==1.0+cpu.1',
  'numpy>=1.0+cpu',
  'numpy===weird/version',
  'numpy==2!1.0rc1.post2.dev3',
  'numpy=1',
  'numpy==',
  'numpy 1.2',
  'numpy>1,',
  'numpy,',
  'Foo_Bar.baz-Qux[b, a ,b] >= 2; python_version < "3.12"',
  'foo[]',
  'foo[a,]',
  'foo[a b]',
  'foo[a',
  'pkg @ https://example.com/x.whl',
  "pkg@https://example.com/x.whl ; os.name == 'nt'",
  'pkg @ https://example.com/x.whl; python_version < "3"',
  'pkg[a] @ file:///tmp/x',
  'pkg @',
  "x; python_version < '3' and (os_name=='nt' or sys.platform == \"linux\")",
  "x; (python_version < '3')",
  "x; ((python_version < '3' or os_name == 'a') and os_name != 'b')",
  "x; 'linux' in sys_platform",
  "x; platform_machine not  in 'x86_64 arm'",
  "x; python_implementation == 'CPython' and platform.machine == 'a'",
  "x; extra == 'dev'",
  'x; python_version',
  'x; python_version < 3',
  'x;',
  '-r other.txt',
  '--index-url https://example.com',
  './local',
  '/abs/path',
  '# comment',
  '',
  '_x',
  'x-',
  'x.',
  'a\tb',
  'caf\u00e9',
];

const ASK = `
import json, sys
from packaging.requirements import InvalidRequirement, Requirement
def show(text):
    try:
        return str(Requirement(text))
    except InvalidRequirement:
        return None
print(json.dumps([show(text) for text in json.loads(sys.argv[1])]))
`;

describe('a requirement', () => {
  test('is read and written as Python does', async () => {
    const theirs = await askPython<(string | null)[]>(ASK, [JSON.stringify(TEXTS)]);
    const ours = TEXTS.map((text) => {
      const parsed = parseRequirement(text);
      return parsed === undefined ? null : formatRequirement(parsed);
    });
    const show = (results: readonly (string | null)[]) =>
      TEXTS.map((text, index) => `${text} -> ${results[index]}`);
    expect(show(ours)).toEqual(show(theirs));
  });
});
