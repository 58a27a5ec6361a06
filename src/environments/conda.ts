import { basename, dirname, join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import {
  cacheDirectory,
  kindOf,
  readTextIfPresent,
  withLock,
  writeFileAtomically,
} from '../host/files.ts';
import { makeFolder, removeFolder } from '../host/folders.ts';
import { endProcessesWith } from '../host/process-identity.ts';
import { tryTool } from '../host/tool.ts';
import { hasItsMlflow, hasItsPipPart, readPipLines } from './completeness.ts';
import { type CondaProgram, createArguments, findConda, findCondaPrefix } from './conda-program.ts';
import type {
  Environment,
  EnvironmentAdditions,
  EnvironmentSource,
  PreparedEnvironment,
} from './environment.ts';
import { nameCondaEnvironment } from './environment-name.ts';
import { createPipInstaller } from './package-installer.ts';
import { readEnvironmentFile } from './specification.ts';
import { createStepRunner, type RunStep } from './tool-step.ts';
import { type Group, installGroups, listMlflow, toolEnv } from './virtualenv-build.ts';

/**
 * The environment that conda, mamba or micromamba makes from conda.yaml, under MLflow's name
 * (`mlflow/utils/conda.py`). conda writes an environment's path into it and keeps a list of paths, so it
 * cannot be made elsewhere and renamed: a lock keeps others out, and a mark outside of it says that it
 * is not finished until its pip part is in, too. MLflow leaves no mark where it is killed: what pip has not
 * installed then is added (`completeness.ts`).
 */
export function createCondaEnvironment(source: EnvironmentSource, context: Context): Environment {
  const { signal: interrupted } = context.interrupts;
  return {
    async check() {
      await readEnvironmentFile(requireCondaFile(source));
    },
    async inspect() {
      const plan = await planConda(source, context);
      const prefix = await findWhole(plan, context, interrupted);
      return {
        manager: 'conda',
        state: prefix === undefined ? 'missing' : 'cached',
        location: prefix ?? plan.name,
        python: undefined,
        dependencies: [],
        warnings: [],
      };
    },
    async prepare(signal) {
      const plan = await planConda(source, context);
      const ready = await findWhole(plan, context, signal);
      const prefix = ready ?? (await makeUnderLock(plan, context, signal));
      return prepareLaunch(prefix, plan.name, await readOwnVariables(prefix));
    },
  };
}

interface CondaPlan {
  readonly program: CondaProgram;
  readonly file: string;
  readonly name: string;
  /** Exists while the environment is being made. */
  readonly unfinishedMark: string;
  readonly lock: string;
  readonly additions: EnvironmentAdditions | undefined;
}

async function planConda(source: EnvironmentSource, { env }: Context): Promise<CondaPlan> {
  const file = requireCondaFile(source);
  const name = nameCondaEnvironment(await readEnvironmentFile(file), source.additions?.id);
  const folder = join(cacheDirectory(env), 'conda');
  return {
    program: await findConda(env),
    file,
    name,
    unfinishedMark: join(folder, `${name}.unfinished`),
    lock: join(folder, `${name}.lock`),
    additions: source.additions,
  };
}

function requireCondaFile({ kind, file }: EnvironmentSource): string {
  if (kind === 'conda_env' && file !== undefined) return file;
  throw new InvalidInput('a python_env project cannot be executed using conda', {
    hint: 'use --env-manager virtualenv, uv or local, or give the project a conda.yaml (`conda_env: conda.yaml`)',
  });
}

interface Found {
  readonly prefix: string;
  /** MLflow would also take a half-made one. */
  readonly isWhole: boolean;
}

async function findWhole(
  plan: CondaPlan,
  context: Context,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = await findListed(plan, context, signal);
  return found?.isWhole ? found.prefix : undefined;
}

/** The environment as conda lists it, unless we know that conda was cut off. */
async function findListed(
  { program, name, unfinishedMark, file, additions }: CondaPlan,
  { env }: Context,
  signal: AbortSignal,
): Promise<Found | undefined> {
  if ((await kindOf(unfinishedMark)) !== undefined) return undefined;
  const prefix = await findCondaPrefix(program, name, { env, signal });
  if (prefix === undefined) return undefined;
  const hasPipPart = await hasItsPipPart(prefix, file, { env, signal });
  return { prefix, isWhole: hasPipPart && (await hasItsMlflow(prefix, additions)) };
}

async function makeUnderLock(
  plan: CondaPlan,
  context: Context,
  signal: AbortSignal,
): Promise<string> {
  const onWait = (): void =>
    context.terminal.note('another process is making this environment: waiting for it');
  await makeFolder(join(plan.lock, '..'), 'set MLTS_CACHE_DIR to a folder that you can write to');
  return withLock(plan.lock, { signal, onWait }, async () => {
    const found = await findListed(plan, context, signal);
    if (found?.isWhole) return found.prefix;
    // Whoever had the lock before and was killed may have left a tool at work.
    await endProcessesWith(`${MAKING}=${plan.lock}`, signal);
    if (found === undefined) return makeEnvironment(plan, context, signal);
    await addWhatLacks(found.prefix, plan, context, signal);
    return found.prefix;
  });
}

/** Set for the tools that are at work under a lock, to its path. */
const MAKING = 'MLTS_MAKING_ENVIRONMENT';

/** MLflow may be at work in it at this moment: it is not removed, and pip finds what is there. */
async function addWhatLacks(
  prefix: string,
  plan: CondaPlan,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const title = `Installing what ${prefix} lacks of ${basename(plan.file)}`;
  await context.terminal.progress(title, async (update) => {
    // As conda's own pip, which looks for what a line names beside conda.yaml.
    const cwd = dirname(plan.file);
    const env = { ...toolEnv(context), [MAKING]: plan.lock };
    const run = createStepRunner({ cwd, env, signal, update });
    const groups: readonly Group[] = [['Installing with pip', await readPipLines(plan.file)]];
    await installGroups(groups, cwd, prefix, createPipInstaller(run));
    await installAdditions(plan, context, run);
  });
}

async function makeEnvironment(
  plan: CondaPlan,
  context: Context,
  signal: AbortSignal,
): Promise<string> {
  const { creator } = plan.program;
  if ((await kindOf(plan.unfinishedMark)) !== undefined) await discard(plan, context);
  await writeFileAtomically(plan.unfinishedMark, '');
  try {
    const title = `Making the environment of ${basename(plan.file)} with ${basename(creator)}`;
    await context.terminal.progress(title, async (update) => {
      const env = { ...context.env, [MAKING]: plan.lock };
      const run = createStepRunner({ cwd: context.cwd, env, signal, update });
      await run({ title, file: creator, args: createArguments(creator, plan.name, plan.file) });
      await installAdditions(plan, context, run);
    });
  } catch (error) {
    await discard(plan, context);
    throw error;
  }
  await removeFolder(plan.unfinishedMark);
  return requirePrefix(plan, context);
}

/** conda installs what replaces a version, by its own words for one; MLflow comes from pip. */
async function installAdditions(plan: CondaPlan, context: Context, run: RunStep): Promise<void> {
  const { additions, program, name } = plan;
  const requirements = (additions?.requirements ?? []).map((one) => one.replaceAll('==', '='));
  if (requirements.length > 0) {
    const args = ['install', '-n', name, '--yes', ...requirements];
    await run({ title: 'Installing what was asked for beside', file: program.path, args });
  }
  if (additions?.mlflow === undefined) return;
  const prefix = await requirePrefix(plan, context);
  const installer = createPipInstaller(run);
  await installGroups(listMlflow(additions, installer), context.cwd, prefix, installer);
}

async function requirePrefix({ program, name }: CondaPlan, context: Context): Promise<string> {
  const { env, interrupts } = context;
  const prefix = await findCondaPrefix(program, name, { env, signal: interrupts.signal });
  if (prefix !== undefined) return prefix;
  throw new InvalidInput(
    `\`${program.creator}\` made no environment that \`${program.path}\` lists`,
    {
      hint: 'both must belong to one conda installation: see MLFLOW_CONDA_HOME and MLFLOW_CONDA_CREATE_ENV_CMD',
    },
  );
}

/** Removes what a failed or interrupted making left; not itself interrupted. */
async function discard(
  { program, name, unfinishedMark }: CondaPlan,
  context: Context,
): Promise<void> {
  const { env } = context;
  const withoutEnd = new AbortController().signal;
  const prefix = await findCondaPrefix(program, name, { env, signal: withoutEnd }).catch(
    () => undefined,
  );
  if (prefix !== undefined) {
    await tryTool(program.path, ['env', 'remove', '--yes', '-n', name], { env });
    await removeFolder(prefix);
  }
  await removeFolder(unfinishedMark);
}

/**
 * Runs a command as in an activated environment, without `conda activate`, which starts Python for half
 * a second and needs the shell functions of one of three programs: its variables are set here and the
 * packages' own activation scripts are sourced, their talk going to stderr as in MLflow.
 */
function prepareLaunch(
  prefix: string,
  name: string,
  variables: Readonly<Record<string, string>>,
): PreparedEnvironment {
  return {
    tags: [{ key: 'mlflow.project.env', value: 'conda' }],
    folder: prefix,
    launch: ({ shell, cwd, env }) => ({
      kind: 'process',
      file: 'bash',
      args: ['-c', `${SOURCE_ACTIVATION_SCRIPTS}\n${shell}`],
      cwd,
      env: { ...activateConda(env, prefix, name), ...variables },
    }),
  };
}

const SOURCE_ACTIVATION_SCRIPTS =
  'for _mlts_script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do ' +
  'if [ -e "$_mlts_script" ]; then . "$_mlts_script"; fi; done 1>&2; unset _mlts_script';

/** The `variables:` of conda.yaml, which conda keeps in the environment and sets at activation. */
async function readOwnVariables(prefix: string): Promise<Readonly<Record<string, string>>> {
  const text = await readTextIfPresent(join(prefix, 'conda-meta', 'state'));
  if (text === undefined) return {};
  try {
    const { env_vars: variables = {} } = JSON.parse(text) as { env_vars?: Record<string, unknown> };
    return Object.fromEntries(
      Object.entries(variables).map(([key, value]) => [key, String(value)]),
    );
  } catch {
    throw new InvalidInput(`${join(prefix, 'conda-meta', 'state')} is not valid JSON`, {
      hint: 'remove the environment (`conda env remove`), it is then made anew',
    });
  }
}

function activateConda(
  env: Readonly<Record<string, string>>,
  prefix: string,
  name: string,
): Record<string, string> {
  const { PYTHONHOME: _home, VIRTUAL_ENV: _other, ...rest } = env;
  const outer = rest.PATH === undefined || rest.PATH === '' ? '' : `:${rest.PATH}`;
  return {
    ...rest,
    CONDA_PREFIX: prefix,
    CONDA_DEFAULT_ENV: name,
    CONDA_SHLVL: String(Number(rest.CONDA_SHLVL ?? '0') + 1),
    PATH: `${join(prefix, 'bin')}${outer}`,
  };
}
