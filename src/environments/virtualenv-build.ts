import { join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { findExecutable } from '../host/executables.ts';
import { writeFileAtomically } from '../host/files.ts';
import { removeFolder } from '../host/folders.ts';
import { tryTool } from '../host/tool.ts';
import { requireMlflow } from './additions.ts';
import type { EnvironmentAdditions } from './environment.ts';
import {
  createPipInstaller,
  createUvInstaller,
  type PackageInstaller,
} from './package-installer.ts';
import { findCurrentPython, obtainInterpreter } from './python-interpreter.ts';
import { anchorReferences } from './requirement-lines.ts';
import type { Specification } from './specification.ts';
import { createStepRunner, type StepSurroundings } from './tool-step.ts';
import { hasUvLock, syncWithLock } from './uv-lock.ts';
import { translatePipSettings } from './uv-settings.ts';

export interface VirtualenvBuild {
  readonly manager: 'virtualenv' | 'uv';
  readonly specification: Specification;
  /** The project's folder, against which relative paths of requirements are resolved. */
  readonly directory: string;
  /** python_env.yaml or conda.yaml, for messages. */
  readonly askedBy: string;
  /** The environment's name, shown by the prompt of an activated shell. */
  readonly name: string;
  readonly additions: EnvironmentAdditions | undefined;
}

/**
 * Makes the virtual environment in `folder`: by uv where it is on PATH, else by `python -m venv` and
 * pip. `build_dependencies` are installed before `dependencies`, each in one call of the resolver; where
 * `--env-manager uv` finds a uv.lock beside them, that counts instead. pip is always there, as it is where
 * MLflow's `virtualenv` made the environment.
 *
 * @throws InvalidInput where uv was asked for or a Python is missing, ToolError where a tool fails.
 */
export async function buildVirtualenv(
  build: VirtualenvBuild,
  folder: string,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const title = (tool: string): string => `Making the environment of ${build.askedBy} with ${tool}`;
  await withTools(build, { title, context, signal }, async (tools) => {
    const { uv, surroundings } = tools;
    const python = await choosePython(build, tools);
    const installer = await chooseInstaller(build, python, tools);
    await installer.create(folder, python, build.name);
    const hasLock = build.manager === 'uv' && (await hasUvLock(build.directory));
    if (hasLock && uv !== undefined) await syncWithLock(uv, build.directory, folder, surroundings);
    const groups = listGroups(build, installer, hasLock);
    await installGroups(groups, build.directory, folder, installer);
  });
}

/** As the last step of `buildVirtualenv`, for an environment that is there. */
export async function addMlflow(
  build: VirtualenvBuild,
  folder: string,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const title = (): string => `Installing MLflow into ${folder}`;
  await withTools(build, { title, context, signal }, async (tools) => {
    const installer = await chooseInstaller(build, join(folder, 'bin', 'python'), tools);
    const groups = listMlflow(build.additions, installer);
    await installGroups(groups, build.directory, folder, installer);
  });
}

/** What an environment is made with, while its progress is shown. */
interface Tools {
  readonly context: Context;
  /** Undefined: venv and pip. */
  readonly uv: string | undefined;
  readonly surroundings: StepSurroundings;
}

/** `title` is given the name of what does it. */
async function withTools(
  { manager, directory }: VirtualenvBuild,
  shown: { title(tool: string): string; context: Context; signal: AbortSignal },
  work: (tools: Tools) => Promise<void>,
): Promise<void> {
  const { context, signal } = shown;
  const uv = await findUv(manager, context);
  const title = shown.title(uv === undefined ? 'venv and pip' : 'uv');
  await context.terminal.progress(title, (update) =>
    work({ context, uv, surroundings: { cwd: directory, env: toolEnv(context), signal, update } }),
  );
}

async function chooseInstaller(
  { manager }: VirtualenvBuild,
  python: string,
  { context, uv, surroundings }: Tools,
): Promise<PackageInstaller> {
  if (uv === undefined) return createPipInstaller(createStepRunner(surroundings));
  const adapted = await adaptToUv(manager, python, surroundings);
  return createUvInstaller(uv, createStepRunner(adapted), context.terminal.warn);
}

async function findUv(
  manager: VirtualenvBuild['manager'],
  { env }: Context,
): Promise<string | undefined> {
  const uv = await findExecutable('uv', env);
  if (uv !== undefined || manager === 'virtualenv') return uv;
  throw new InvalidInput('`uv` was not found on PATH, and --env-manager uv needs it', {
    hint: 'install it (`pip install uv`), or use --env-manager virtualenv, which also works without it',
  });
}

/** The user's own, without what would lead a tool to another Python, and with no questions asked. */
export function toolEnv({ env }: Context): Record<string, string | undefined> {
  const {
    PYTHONHOME: _home,
    VIRTUAL_ENV: _active,
    UV_PROJECT_ENVIRONMENT: _project,
    ...rest
  } = env;
  return { ...rest, PIP_NO_INPUT: '1' };
}

async function choosePython(
  { specification, askedBy }: VirtualenvBuild,
  { context: { env }, uv, surroundings }: Tools,
): Promise<string> {
  if (specification.python === undefined) return (await findCurrentPython(env)).path;
  const { signal } = surroundings;
  const run = createStepRunner(surroundings);
  return obtainInterpreter({ asked: specification.python, askedBy, env, uv, signal, run });
}

/** Where uv does pip's work it is told pip's settings; `--env-manager uv` is uv alone, as in MLflow. */
export async function adaptToUv(
  manager: VirtualenvBuild['manager'],
  python: string,
  surroundings: StepSurroundings,
): Promise<StepSurroundings> {
  if (manager === 'uv') return surroundings;
  const { env, signal } = surroundings;
  const args = ['-m', 'pip', 'config', 'list'];
  const { stdout, exitCode } = await tryTool(python, args, { env, signal });
  // A Python without pip has no pip settings of its own; the variables still count.
  const settings = translatePipSettings(env, exitCode === 0 ? stdout : '');
  return { ...surroundings, env: { ...env, ...settings } };
}

/** Lies in an environment while something is being installed. */
export const UNFINISHED_FILE = 'mlts-requirements.txt';

export type Group = readonly [title: string, lines: readonly string[]];

function listGroups(
  { specification, additions }: VirtualenvBuild,
  installer: PackageInstaller,
  isSynced: boolean,
): readonly Group[] {
  const { buildDependencies, dependencies } = specification;
  return [
    ['Installing build dependencies', isSynced ? [] : buildDependencies],
    ['Installing dependencies', isSynced ? [] : dependencies],
    ['Installing what was asked for beside', additions?.requirements ?? []],
    ...listMlflow(additions, installer),
  ];
}

export function listMlflow(
  additions: EnvironmentAdditions | undefined,
  { quote }: PackageInstaller,
): readonly Group[] {
  return [['Installing MLflow', requireMlflow(additions, quote)]];
}

/** Installs one group after the other; while it does, `UNFINISHED_FILE` lies in the environment. */
export async function installGroups(
  groups: readonly Group[],
  directory: string,
  folder: string,
  installer: PackageInstaller,
): Promise<void> {
  // Inside the environment, so that it goes with it if anything ends us; an index URL in it may be secret.
  const file = join(folder, UNFINISHED_FILE);
  try {
    for (const [title, lines] of groups) {
      if (lines.length === 0) continue;
      const anchored = anchorReferences(lines, directory, installer.quote);
      await writeFileAtomically(file, `${anchored.join('\n')}\n`);
      await installer.install(folder, title, file);
    }
  } finally {
    await removeFolder(file);
  }
}

/** What activation changes, for a process that is started without a shell's `activate`. */
export function activateVirtualenv(
  env: Readonly<Record<string, string>>,
  folder: string,
): Record<string, string> {
  const { PYTHONHOME: _home, ...rest } = env;
  const path = rest.PATH === undefined || rest.PATH === '' ? '' : `:${rest.PATH}`;
  return { ...rest, VIRTUAL_ENV: folder, PATH: `${join(folder, 'bin')}${path}` };
}
