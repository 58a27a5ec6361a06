/**
 * No conda, mamba or micromamba is in a package registry. A shell script stands in for it here: it takes
 * the words that conda takes and keeps environments in folders of conda's shape; it solves nothing.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EnvironmentSource } from '../../src/environments/environment.ts';
import { openEnvironment } from '../../src/environments/open.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';
import { createWorkspace, runIn, type Workspace } from '../setup/environments.ts';
import { askPython } from '../setup/mlflow.ts';

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
