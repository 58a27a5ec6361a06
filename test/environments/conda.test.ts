/**
 * No conda, mamba or micromamba is in a package registry. A shell script stands in for it here: it takes
 * the words that conda takes and keeps environments in folders of conda's shape; it solves nothing.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EnvironmentSource } from '../../src/environments/environment.ts';
import { openEnvironment } from '../../src/environments/open.ts';
import { identifyProcess } from '../../src/host/process-identity.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';
import { createWorkspace, runIn, type Workspace } from '../setup/environments.ts';
import { askPython } from '../setup/mlflow.ts';

const MLTS = join(import.meta.dirname, '../../bin/mlts.cjs');

let workspace: Workspace;
let context: TestContext;
let source: EnvironmentSource;

beforeEach(async () => {
  workspace = await createWorkspace();
  context = createTestContext({ env: workspace.env, cwd: workspace.directory });
  source = await workspace.source('conda_env', 'dependencies:\n  - python=3.11\n');
});
afterEach(() => workspace[Symbol.asyncDispose]());

/** `making` is what the stand-in does between making the folder and reporting success. */
function standIn(making = ''): string {
  return `envs='${workspace.root}'; echo "$(basename "$0") $*" >> '${workspace.bin}/calls'
case "$1 $2" in
"env list") printf '{"envs": ["/opt/conda"'; for p in "$envs"/*/; do [ -d "$p" ] && printf ', "%s"' "\${p%/}"; done; echo ']}';;
"env create") shift 2; [ "$1" = --yes ] && shift
  p="$envs/$2"; mkdir -p "$p/bin" "$p/conda-meta" "$p/etc/conda/activate.d"; cat "$4" > "$p/from"
  printf '#!/bin/sh\\necho real' > "$p/bin/tool"; chmod +x "$p/bin/tool"
  ${making}
  echo 'echo activating; export FROM_PACKAGE="$CONDA_DEFAULT_ENV"' > "$p/etc/conda/activate.d/x.sh"
  echo '{"env_vars": {"OWN": "a b"}}' > "$p/conda-meta/state";;
"env remove") rm -rf "$envs/$5";;
--help*) ;;
*) echo "unknown: $*" >&2; exit 2;;
esac`;
}

function open() {
  return openEnvironment('conda', source, context);
}

function prepare() {
  return open().prepare(context.interrupts.signal);
}

async function calls(): Promise<readonly string[]> {
  return (await readFile(join(workspace.bin, 'calls'), 'utf8').catch(() => '')).trim().split('\n');
}

test.each([
  ['conda', 'env create -n'],
  ['mamba', 'env create --yes -n'],
  ['micromamba', 'env create --yes -n'],
])('%s makes the environment once; commands run as in an activated one', async (name, create) => {
  await workspace.addProgram(name, standIn());
  expect(await open().inspect()).toMatchObject({ manager: 'conda', state: 'missing' });

  const prepared = await prepare();

  const state = await open().inspect();
  expect(state).toMatchObject({ state: 'cached', location: expect.stringContaining('/mlflow-') });
  expect(prepared.tags).toEqual([{ key: 'mlflow.project.env', value: 'conda' }]);
  const shown = 'echo "$CONDA_PREFIX"; echo "$FROM_PACKAGE|$OWN"; which tool; tool';
  const prefix = state.location ?? '';
  const environmentName = prefix.split('/').at(-1) ?? '';
  expect((await runIn(prepared, shown, workspace)).split('\n')).toEqual([
    prefix,
    `${environmentName}|a b`,
    join(prefix, 'bin/tool'),
    'real',
  ]);
  await prepare();
  const made = (await calls()).filter((call) => call.includes('env create'));
  expect(made).toEqual([`${name} ${create} ${environmentName} --file ${source.file}`]);
});

test('an environment that conda has noted is found without asking it', async () => {
  await workspace.addProgram('conda', standIn());
  await prepare();
  const { location = '' } = await open().inspect();
  await mkdir(join(workspace.env.HOME ?? '', '.conda'));
  await writeFile(
    join(workspace.env.HOME ?? '', '.conda/environments.txt'),
    `/gone\n${location}\n`,
  );
  const before = (await calls()).length;
  await prepare();
  expect(await calls()).toHaveLength(before);
});

describe('which conda', () => {
  test('MLFLOW_CONDA_HOME, then CONDA_EXE, then PATH', async () => {
    await workspace.addProgram('conda', standIn());
    const elsewhere = (name: string) => join(workspace.directory, name, 'bin/conda');
    for (const name of ['home', 'exe']) {
      await workspace.write(`${name}/bin/conda`, '#!/bin/sh\necho "not $0" >&2; exit 3');
      const { chmod } = await import('node:fs/promises');
      await chmod(elsewhere(name), 0o755);
    }
    const attempt = (env: Record<string, string>) =>
      openEnvironment(
        'conda',
        source,
        createTestContext({ env: { ...workspace.env, ...env } }),
      ).inspect();
    const [home, exe] = [join(workspace.directory, 'home'), elsewhere('exe')];
    await expect(attempt({ MLFLOW_CONDA_HOME: home, CONDA_EXE: exe })).rejects.toThrow(
      `not ${home}`,
    );
    await expect(attempt({ CONDA_EXE: exe })).rejects.toThrow(`not ${exe}`);
    expect(await attempt({})).toMatchObject({ state: 'missing' });
  });

  test('MLFLOW_CONDA_CREATE_ENV_CMD makes, conda lists', async () => {
    await workspace.addProgram('conda', standIn());
    await workspace.addProgram('mamba', standIn());
    const env = { ...workspace.env, MLFLOW_CONDA_CREATE_ENV_CMD: 'mamba' };
    context = createTestContext({ env, cwd: workspace.directory });
    await prepare();
    expect((await calls()).map((call) => call.split(' ').slice(0, 3).join(' '))).toEqual([
      'conda env list',
      'conda env list',
      'mamba env create',
      'conda env list',
    ]);
  });

  test('none: what was looked for, where, and what works instead', async () => {
    const env = { ...workspace.env, PATH: '/nowhere' };
    context = createTestContext({ env, cwd: workspace.directory });
    await expect(prepare()).rejects.toMatchObject({
      message: 'none of conda, mamba, micromamba was found on PATH',
      hint: expect.stringContaining('--env-manager virtualenv'),
    });
  });
});

test.each(['python_env', 'none'] as const)('a %s project is refused', async (kind) => {
  await workspace.addProgram('conda', standIn());
  source = { directory: workspace.directory, kind, file: undefined };
  await expect(prepare()).rejects.toMatchObject({
    name: 'InvalidInput',
    message: 'a python_env project cannot be executed using conda',
  });
});

describe('an environment that is not finished', () => {
  test('is removed when its pip part fails; the tool is quoted', async () => {
    await workspace.addProgram('conda', standIn('echo "Pip failed" >&2; exit 1'));
    await expect(prepare()).rejects.toThrow(
      /^Making the environment of conda\.yaml with conda failed \(1\):\n {2}Pip failed$/,
    );
    expect(await readdir(workspace.root)).toEqual([]);
  });

  test('is removed when it is interrupted', async () => {
    const started = join(workspace.bin, 'started');
    await workspace.addProgram('conda', standIn(`touch '${started}'; sleep 60 & wait`));
    const settled = prepare().catch((error: unknown) => error);
    while (!existsSync(started)) await sleep(10);
    context.interrupt('SIGINT');
    expect(await settled).toMatchObject({ name: 'Interrupted' });
    expect(await readdir(workspace.root)).toEqual([]);
  });

  test('that a killed process left is not taken for ready, and made anew', async () => {
    await workspace.addProgram('conda', standIn());
    await prepare();
    const { location = '' } = await open().inspect();
    await writeFile(join(location, 'half'), '');
    const name = location.split('/').at(-1);
    await writeFile(join(workspace.env.MLTS_CACHE_DIR ?? '', 'conda', `${name}.unfinished`), '');
    expect(await open().inspect()).toMatchObject({ state: 'missing' });
    await prepare();
    expect(existsSync(join(location, 'half'))).toBe(false);
    expect(await open().inspect()).toMatchObject({ state: 'cached' });
  });
});

describe('an environment whose making was cut off', () => {
  const ASKED = 'dependencies:\n  - python=3.11\n  - pip:\n    - six==1.16.0 # small\n';
  /** Listed by conda while pip is still at work; nothing removes it where MLflow is killed then. */
  const MADE_BY_CONDA = 'python3 -m venv "$p"; touch "$p/kept"';

  /** Has the stand-in do what MLflow has conda do, up to where pip would begin. */
  async function leaveHalfMade(): Promise<string> {
    await workspace.addProgram('conda', standIn(MADE_BY_CONDA));
    const { location: name = '' } = await open().inspect();
    const args = ['env', 'create', '-n', name, '--file', source.file ?? ''];
    await execa(join(workspace.bin, 'conda'), args, { env: workspace.env });
    return join(workspace.root, name);
  }

  /** It is not taken for whole; then the script prints what it should, and what conda made is there still. */
  async function expectCompletion(script: string, told: string): Promise<void> {
    const prefix = await leaveHalfMade();
    expect(await open().inspect()).toMatchObject({ state: 'missing' });
    const prepared = await prepare();
    expect(await runIn(prepared, `python -c "${script}"`, workspace)).toBe(told);
    expect(existsSync(join(prefix, 'kept'))).toBe(true);
    expect(await open().inspect()).toMatchObject({ state: 'cached', location: prefix });
  }

  test('by a kill of MLflow: what pip has not installed is added to it', async () => {
    source = await workspace.source('conda_env', ASKED);
    await expectCompletion('import six; print(six.__version__)', '1.16.0');
  });

  test('before MLflow itself was added to it: it is', async () => {
    const folder = join(workspace.directory, 'sources');
    await workspace.write('sources/pyproject.toml', '[project]\nname = "mlflow"\nversion = "9"\n');
    await workspace.write('sources/mlflow.py', 'answer = 42\n');
    const mlflow = { kind: 'sources', folder } as const;
    source = { ...source, additions: { id: folder, requirements: [], mlflow } };
    await expectCompletion('import mlflow; print(mlflow.answer)', '42');
  });

  test('a package that pip found elsewhere is not missed', async () => {
    source = await workspace.source('conda_env', ASKED);
    const metadata = 'Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n';
    await workspace.write('site/six-1.16.0.dist-info/METADATA', metadata);
    const prefix = await leaveHalfMade();
    const env = { ...workspace.env, PYTHONPATH: join(workspace.directory, 'site') };
    context = createTestContext({ env, cwd: workspace.directory });
    expect(await open().inspect()).toMatchObject({ state: 'cached', location: prefix });
  });

  test('by a kill of mlts: it is made anew, and who still works at it is ended first', async () => {
    const note = join(workspace.bin, 'pid');
    await workspace.addProgram('conda', standIn(`echo $$ > '${note}'; sleep 600`));
    const entry = 'entry_points: {main: {command: "true"}}\n';
    await workspace.write('MLproject', `name: p\nconda_env: conda.yaml\n${entry}`);
    const args = [MLTS, 'run', workspace.directory, '--env-manager', 'conda'];
    const cutOff = execa(process.execPath, args, { env: workspace.env, reject: false });
    await vi.waitUntil(async () => /\n/.test(await readFile(note, 'utf8').catch(() => '')), 30_000);
    cutOff.kill('SIGKILL');
    await cutOff;
    const maker = Number(await readFile(note, 'utf8'));
    expect(await identifyProcess(maker)).toBeDefined();

    await workspace.addProgram('conda', standIn());
    await prepare();

    expect(await identifyProcess(maker)).toBeUndefined();
    expect(await open().inspect()).toMatchObject({ state: 'cached' });
    expect((await calls()).filter((call) => call.includes('env create'))).toHaveLength(2);
  });
});

/** MLflow's own code prepares the conda environment; prints what it logged. */
const ASK_MLFLOW = `
import json, logging, sys
import mlflow.utils.conda as c
logged = []
c._logger.handlers = [type("H", (logging.Handler,), {"emit": lambda self, r: logged.append(r.getMessage())})()]
c._logger.setLevel(logging.INFO)
c.get_or_create_conda_env(sys.argv[1], capture_output=True)
print(json.dumps(logged))
`;

describe('one environment serves MLflow and mlts', () => {
  const askMlflow = () =>
    askPython<string[]>(ASK_MLFLOW, [source.file ?? ''], { env: workspace.env });

  test('made by mlts, found by MLflow', async () => {
    await workspace.addProgram('conda', standIn());
    await prepare();
    const name = (await open().inspect()).location?.split('/').at(-1);
    expect(await askMlflow()).toEqual([`Conda environment ${name} already exists.`]);
  });

  test('made by MLflow, found by mlts', async () => {
    await workspace.addProgram('conda', standIn());
    expect(await askMlflow()).toEqual([expect.stringContaining('Creating conda environment')]);
    expect(await open().inspect()).toMatchObject({ state: 'cached' });
  });
});
