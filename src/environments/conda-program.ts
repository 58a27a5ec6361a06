import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { type Env, variables } from '../core/environment-variables.ts';
import { InvalidInput, ToolError } from '../core/errors.ts';
import { findExecutable, isExecutable } from '../host/executables.ts';
import { kindOf, readTextIfPresent } from '../host/files.ts';
import { runTool } from '../host/tool.ts';

/** The programs that drive conda environments; all three take the same words for what is needed here. */
const NAMES = ['conda', 'mamba', 'micromamba'] as const;

export interface CondaProgram {
  /** Lists and removes environments. */
  readonly path: string;
  /** Makes them: MLFLOW_CONDA_CREATE_ENV_CMD where it is set. */
  readonly creator: string;
}

/**
 * Finds conda as MLflow does (`get_conda_bin_executable` in `mlflow/utils/conda.py`): in
 * `$MLFLOW_CONDA_HOME/bin`, beside `$CONDA_EXE`, on PATH; mamba or micromamba where conda itself is not
 * there, which MLflow does not try.
 *
 * @throws InvalidInput that says where it was looked for.
 */
export async function findConda(env: Env): Promise<CondaProgram> {
  const folder = condaFolder(env);
  const path = await findFirst(NAMES, folder, env);
  if (path === undefined) {
    throw new InvalidInput(`none of ${NAMES.join(', ')} was found ${describePlace(folder, env)}`, {
      hint: `install conda or set ${variables.condaHome}; or use --env-manager virtualenv, which installs the pip part of conda.yaml`,
    });
  }
  const named = env[variables.condaCreateCommand];
  if (!named) return { path, creator: path };
  const creator = isAbsolute(named) ? named : await findFirst([named], folder, env);
  if (creator !== undefined && (await isExecutable(creator))) return { path, creator };
  throw new InvalidInput(
    `${variables.condaCreateCommand} is \`${named}\`, which was not found ${describePlace(folder, env)}`,
    {
      hint: `unset ${variables.condaCreateCommand} to use ${basename(path)}, or install \`${named}\``,
    },
  );
}

function condaFolder(env: Env): string | undefined {
  const home = env[variables.condaHome];
  if (home) return join(home, 'bin');
  return env.CONDA_EXE ? dirname(env.CONDA_EXE) : undefined;
}

async function findFirst(
  names: readonly string[],
  folder: string | undefined,
  env: Env,
): Promise<string | undefined> {
  for (const name of names) {
    const path = folder === undefined ? await findExecutable(name, env) : join(folder, name);
    if (path !== undefined && (await isExecutable(path))) return path;
  }
  return undefined;
}

function describePlace(folder: string | undefined, env: Env): string {
  if (folder === undefined) return 'on PATH';
  return `in ${folder} (${env[variables.condaHome] ? variables.condaHome : 'CONDA_EXE'})`;
}

/**
 * The folder of the environment called `name`, or undefined. conda notes every environment that it makes
 * in `~/.conda/environments.txt`; only where that does not help is the program asked, which takes it
 * half a second.
 */
export async function findCondaPrefix(
  program: CondaProgram,
  name: string,
  options: { readonly env: Env; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { env } = options;
  const noted = await readTextIfPresent(join(env.HOME || homedir(), '.conda', 'environments.txt'));
  const known = await findPrefix((noted ?? '').split('\n'), name);
  if (known !== undefined) return known;
  const { stdout } = await runTool(program.path, ['env', 'list', '--json'], options);
  return findPrefix(parseEnvironmentList(program, stdout), name);
}

async function findPrefix(prefixes: readonly string[], name: string): Promise<string | undefined> {
  for (const prefix of prefixes) {
    const isThere = basename(prefix) === name && (await kindOf(join(prefix, 'conda-meta')));
    if (isThere === 'directory') return prefix;
  }
  return undefined;
}

function parseEnvironmentList(program: CondaProgram, stdout: string): readonly string[] {
  try {
    const list: unknown = (JSON.parse(stdout) as { readonly envs?: unknown }).envs ?? [];
    if (Array.isArray(list)) return list.map(String);
  } catch {
    // Told below: what it printed is no list either way.
  }
  throw new ToolError(`\`${program.path} env list --json\` did not print a list of environments`, {
    hint: `run it by hand; what ${variables.condaHome} or CONDA_EXE names may be no conda`,
  });
}

/** Arguments for `program.creator`. The mambas would ask before they begin; older condas know no `--yes` there. */
export function createArguments(creator: string, name: string, file: string): readonly string[] {
  const yes = basename(creator) === 'conda' ? [] : ['--yes'];
  return ['env', 'create', ...yes, '-n', name, '--file', file];
}
