import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameCondaEnvironment, nameVirtualenv } from '../../src/environments/environment-name.ts';
import { flattenRequirements } from '../../src/environments/requirement-lines.ts';
import { parseSpecification } from '../../src/environments/specification.ts';
import { createWorkspace, type Workspace } from '../setup/environments.ts';
import { askPython } from '../setup/mlflow.ts';

/** Requirements files that the environment files below refer to. */
const FILES: Readonly<Record<string, string>> = {
  'requirements.txt': '# a comment\nsix==1.16  # pinned\n\n  tomli >= 2 \n-r nested/more.txt\n',
  'nested/more.txt': 'pandas\n-c ../constraints.txt\n--index-url https://example.org/simple\n',
  'constraints.txt': 'numpy<2\nsix!=1.15\n',
  'windows.txt': '\ufeffsix\r\ntomli\r\n',
  'continued.txt': 'six \\\n  >=1.0\ntomli\\\n',
  'odd.txt': 'one\x1ctwo\fthree\u2028four\x85five\n\xa0six\xa0\n# only\n#comment # twice\nx#y\n',
};

const ENVIRONMENTS: readonly (readonly ['python_env' | 'conda_env', string])[] = [
  ['python_env', 'python: "3.9"'],
  ['python_env', 'python: 3.9.18\nbuild_dependencies: [pip, setuptools, wheel]'],
  ['python_env', 'python: "3.9"\ndependencies: [-r requirements.txt]'],
  [
    'python_env',
    'python: "3.9"\ndependencies: ["--requirement   requirements.txt", zope, Abc, _x]',
  ],
  ['python_env', 'python: "3.9"\ndependencies: [-c constraints.txt, numpy, "-rrequirements.txt"]'],
  ['python_env', 'python: "3.9"\ndependencies: [-r windows.txt, -r continued.txt, -r odd.txt]'],
  [
    'python_env',
    'python: "3.9"\ndependencies: ["a; python_version < \'3.8\'", \'b "q"\', "it\'s \\"both\\""]',
  ],
  [
    'python_env',
    'python: "3.9"\ndependencies: ["tab\\there", "back\\\\slash", "two\\nlines", "caf\u00e9", "\u6f22", "\\U0001F600", "\\u200b", "\\x7f", "\\xa0x", "\\U000E0001"]',
  ],
  ['python_env', 'python: "3.9"\ndependencies: ["\\uFFFD", "\\U0001F600", "z", "a"]'],
  ['python_env', 'python: "3.9"\nbuild_dependencies: [-r requirements.txt]\ndependencies: []'],
  ['conda_env', 'dependencies: [python=3.9, pip, numpy=1.2, {pip: [mlflow, -r requirements.txt]}]'],
  ['conda_env', 'dependencies: [python=3.10, pip=21.3, {pip: [six]}, wheel, {pip: [tomli]}]'],
];

/** Names from real MLflow, for a list of files given on the command line. */
const ASK_NAMES = `
import json, pathlib, sys
from mlflow.utils.environment import _PythonEnv
from mlflow.utils.virtualenv import _get_virtualenv_name
from mlflow.utils.conda import _get_conda_env_name
names = []
for path in sys.argv[1:]:
    read = _PythonEnv.from_conda_yaml if "conda_env" in path else _PythonEnv.from_yaml
    names.append([_get_virtualenv_name(read(path), pathlib.Path(path).parent), _get_conda_env_name(path)])
print(json.dumps(names))
`;

describe('names of environments', () => {
  let workspace: Workspace;
  let expected: readonly (readonly [virtualenv: string, conda: string])[];

  beforeAll(async () => {
    workspace = await createWorkspace();
    for (const [name, text] of Object.entries(FILES)) await workspace.write(name, text);
    const paths = ENVIRONMENTS.map(([kind], index) =>
      join(workspace.directory, `${index}-${kind}.yaml`),
    );
    await Promise.all(paths.map((path, index) => writeFile(path, ENVIRONMENTS[index]?.[1] ?? '')));
    expected = await askPython(ASK_NAMES, paths);
  });
  afterAll(() => workspace[Symbol.asyncDispose]());

  test.each(ENVIRONMENTS.map(([kind, text], index) => ({ kind, text, index })))(
    'are those of MLflow: $kind $text',
    async ({ kind, text, index }) => {
      const specification = await parseSpecification(text, kind, `${kind}.yaml`);
      const { python = 'missing', dependencies } = specification;
      const requirements = await flattenRequirements(dependencies, workspace.directory);
      const name = nameVirtualenv({ ...specification, python }, requirements);
      expect([name, nameCondaEnvironment(text)]).toEqual(expected[index]);
    },
  );

  test('of a conda.yaml do not depend on its line ends', () => {
    expect(nameCondaEnvironment('a: 1\r\nb: 2\r')).toBe(nameCondaEnvironment('a: 1\nb: 2\n'));
  });
});
