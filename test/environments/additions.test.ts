import { readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { planAdditions } from '../../src/environments/additions.ts';
import { openEnvironment } from '../../src/environments/open.ts';
import { runTool } from '../../src/host/tool.ts';
import { findModelEnvironment } from '../../src/models/environment-source.ts';
import type { LocalModel } from '../../src/models/local-model.ts';
import { readMlmodel } from '../../src/models/mlmodel.ts';
import { createTestContext } from '../setup/context.ts';
import { createWorkspace, runIn, type Workspace } from '../setup/environments.ts';
import { askPython } from '../setup/mlflow.ts';

/** What MLflow would call the environments of [folder, manager, installs MLflow, MLFLOW_HOME]. */
const ASK_NAMES = `
import json, os, pathlib, sys
from mlflow.pyfunc.backend import PyFuncBackend
from mlflow.models import Model
from mlflow.utils.conda import _get_conda_env_name
from mlflow.utils.virtualenv import _get_python_env, _get_virtualenv_name
def name(folder, manager, installs, home):
    os.environ.pop("MLFLOW_HOME", None)
    if home is not None:
        os.environ["MLFLOW_HOME"] = home
    folder = pathlib.Path(folder)
    config = Model.load(str(folder)).flavors["python_function"]
    env_id = PyFuncBackend(config, env_manager=manager, install_mlflow=installs)._env_id
    if manager == "conda":
        return _get_conda_env_name(str(folder / "conda.yaml"), env_id)
    return _get_virtualenv_name(_get_python_env(folder), folder, env_id)
print(json.dumps([name(*case) for case in json.loads(sys.argv[1])]))
`;

const FLAVOR = 'flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    env:';
const MODELS = {
  'of MLflow 2 and 3': {
    MLmodel: `${FLAVOR} {conda: conda.yaml, virtualenv: python_env.yaml}\n`,
    'conda.yaml': 'dependencies: [python=3.9, pip, {pip: [mlflow]}]\n',
    'python_env.yaml':
      'python: 3.11.7\nbuild_dependencies: [pip==23.2.1]\ndependencies: [-r requirements.txt]\n',
    'requirements.txt': 'six\n',
  },
  'of MLflow 1.30': {
    MLmodel: `${FLAVOR} conda.yaml\n`,
    'conda.yaml': 'dependencies: [python=3.9, pip, {pip: [mlflow]}]\n',
    'python_env.yaml': 'python: 3.11.7\ndependencies: [tomli]\n',
  },
  'of MLflow 1.20': {
    MLmodel: `${FLAVOR} conda.yaml\n`,
    'conda.yaml': 'dependencies: [python=3.11.7, pip<22, {pip: [mlflow]}]\n',
    'requirements.txt': 'six\ntomli\n',
  },
  'of MLflow 1.10': {
    MLmodel: `${FLAVOR} conda.yaml\n`,
    'conda.yaml': 'dependencies: [python=3.11.7, {pip: [mlflow]}]\n',
  },
};

async function writeModel(
  workspace: Workspace,
  files: Readonly<Record<string, string>>,
  folder = workspace.directory,
): Promise<LocalModel> {
  const below = relative(workspace.directory, folder);
  for (const [name, text] of Object.entries(files)) await workspace.write(join(below, name), text);
  return { uri: folder, folder, file: await readMlmodel(folder) };
}

test('the environments of models are named as MLflow names them', async () => {
  await using workspace = await createWorkspace();
  await workspace.addProgram('conda', `echo '{"envs": []}'`);
  const cases = Object.entries(MODELS).flatMap(([title, files]) =>
    (['virtualenv', 'conda'] as const).flatMap((manager) =>
      [null, '', '/opt/mlflow sources'].flatMap((home) =>
        [true, false].map((installsMlflow) => ({ title, files, manager, home, installsMlflow })),
      ),
    ),
  );
  const names: string[] = [];
  for (const { title, files, manager, home, installsMlflow } of cases) {
    const model = await writeModel(workspace, files, join(workspace.directory, title));
    const env = home === null ? workspace.env : { ...workspace.env, MLFLOW_HOME: home };
    const additions = planAdditions({ installsMlflow, requirements: [] }, env);
    const source = { ...(await findModelEnvironment(model, manager === 'conda')), additions };
    const context = createTestContext({ env });
    const { location = '' } = await openEnvironment(manager, source, context).inspect();
    names.push(basename(location));
  }
  const asked = cases.map(({ title, manager, installsMlflow, home }) => [
    join(workspace.directory, title),
    manager,
    installsMlflow,
    home,
  ]);
  expect(names).toEqual(await askPython(ASK_NAMES, [JSON.stringify(asked)]));
});

test('requirements on top go into an environment of their own, after all else', async () => {
  await using workspace = await createWorkspace();
  await workspace.addUv();
  const model = await writeModel(workspace, {
    ...MODELS['of MLflow 2 and 3'],
    'python_env.yaml': 'python: "3.11"\ndependencies: [-r requirements.txt]\n',
    'requirements.txt': 'six==1.16.0\n',
  });
  const context = createTestContext({ env: workspace.env });
  const source = await findModelEnvironment(model, false);
  const open = (requirements: readonly string[]) => {
    const additions = planAdditions({ installsMlflow: false, requirements }, context.env);
    return openEnvironment('uv', { ...source, additions }, context);
  };
  const plain = await open([]).prepare(context.interrupts.signal);
  const other = await open(['six==1.17.0']).prepare(context.interrupts.signal);
  const readVersion = async (folder = '') => {
    const path = join(folder, 'lib/python3.11/site-packages/six.py');
    return /__version__ = "(.+)"/.exec(await readFile(path, 'utf8'))?.[1];
  };
  expect(await readVersion(plain.folder)).toBe('1.16.0');
  expect(await readVersion(other.folder)).toBe('1.17.0');
});

test('where there is a uv.lock beside the requirements, --env-manager uv installs what it pins', async () => {
  await using workspace = await createWorkspace();
  await workspace.addUv();
  const model = await writeModel(workspace, {
    ...MODELS['of MLflow 2 and 3'],
    'python_env.yaml': 'python: "3.11"\ndependencies: [-r requirements.txt]\n',
    'requirements.txt': 'tomli\n',
    'pyproject.toml':
      '[project]\nname = "locked"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["six<1.17"]\n',
  });
  const context = createTestContext({ env: workspace.env });
  await runTool('uv', ['lock', '--quiet'], { cwd: workspace.directory, env: workspace.env });
  const source = await findModelEnvironment(model, false);
  const prepared = await openEnvironment('uv', source, context).prepare(context.interrupts.signal);
  const script = 'import importlib.util as u, six; print(six.__version__, u.find_spec("tomli"))';
  expect(await runIn(prepared, `python -c '${script}'`, workspace)).toBe('1.16.0 None');
});

test('a model without any of the files is refused, with what was looked for', async () => {
  await using workspace = await createWorkspace();
  const model = await writeModel(workspace, { MLmodel: MODELS['of MLflow 2 and 3'].MLmodel });
  await expect(findModelEnvironment(model, false)).rejects.toThrow(
    /does not say what its environment is made of: there is no .*python_env\.yaml, and no .*conda\.yaml/,
  );
});
