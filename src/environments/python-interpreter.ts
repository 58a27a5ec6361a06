import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Env } from '../core/environment-variables.ts';
import { InvalidInput, MltsError } from '../core/errors.ts';
import { findExecutable, isExecutable } from '../host/executables.ts';
import { listNames } from '../host/folders.ts';
import { tryTool } from '../host/tool.ts';
import type { RunStep } from './tool-step.ts';

export interface Interpreter {
  readonly path: string;
  /** All three parts: `3.11.7`. */
  readonly version: string;
}

const RELEASE = /^\d+(\.\d+){0,2}$/;
const FULL_RELEASE = /^\d+\.\d+\.\d+$/;
const ASK_PYTHON =
  'import sys; print(sys.executable); print(".".join(map(str, sys.version_info[:3])))';

/**
 * The Python that a command finds on PATH: `python3`, else `python`. It stands for "MLflow's own
 * Python", which MLflow takes where an environment names none.
 *
 * @throws InvalidInput where there is none.
 */
export async function findCurrentPython(env: Env): Promise<Interpreter> {
  for (const name of ['python3', 'python']) {
    const path = await findExecutable(name, env);
    const interpreter = path === undefined ? undefined : await queryInterpreter(path, env);
    if (interpreter !== undefined) return interpreter;
  }
  throw new InvalidInput('no working `python3` or `python` was found on PATH', {
    hint: 'install Python, or install uv and name a version in python_env.yaml: `python: "3.11"`',
  });
}

/** What the program at `path` is; undefined where it does not work (a pyenv shim of a version that is off). */
async function queryInterpreter(path: string, env: Env): Promise<Interpreter | undefined> {
  const output = await tryTool(path, ['-I', '-S', '-c', ASK_PYTHON], { env }).catch(
    () => undefined,
  );
  if (output?.exitCode !== 0) return undefined;
  const [executable, version] = output.stdout.trim().split('\n');
  return executable && version ? { path: executable, version } : undefined;
}

export interface InterpreterSearch {
  /** As written: `3.9` takes the newest 3.9 that is there, `3.9.18` only that. */
  readonly asked: string;
  /** The file that asks for it, for messages. */
  readonly askedBy: string;
  readonly env: Env;
  /** Path of uv, where it may be used. */
  readonly uv: string | undefined;
  readonly signal: AbortSignal;
  readonly run: RunStep;
}

/** What it takes to look. */
type Looking = Omit<InterpreterSearch, 'run'>;

/**
 * Finds a Python of the asked-for version: below pyenv's `versions`, by uv, on PATH; else has uv
 * download it, else has pyenv build it. Looking comes before making, whichever tool would make it.
 *
 * @throws InvalidInput that says what was looked for, where, and what was there instead.
 */
export async function obtainInterpreter(search: InterpreterSearch): Promise<string> {
  if (!RELEASE.test(search.asked) && search.uv === undefined) {
    throw new InvalidInput(
      `\`python: ${search.asked}\` in ${search.askedBy} is no Python version`,
      {
        hint: 'write `3.11` or `3.11.7`; other forms need uv on PATH',
      },
    );
  }
  const found = await findInterpreter(search);
  if (found !== undefined) return found;
  const failures: string[] = [];
  const made =
    (await attempt('uv', () => downloadWithUv(search), failures)) ??
    (await attempt('pyenv', () => installWithPyenv(search), failures));
  if (made !== undefined) return made;
  throw await explainMissing(search, failures);
}

/** As `obtainInterpreter`, where nothing is to be made: undefined where it is not there. */
export async function findInterpreter(search: Looking): Promise<string | undefined> {
  return (await findInPyenv(search)) ?? (await findWithUv(search)) ?? (await findOnPath(search));
}

/** `3.9` is the beginning of `3.9.18`, not of `3.90.1`. */
export function matchesVersion(version: string, asked: string): boolean {
  return version === asked || version.startsWith(`${asked}.`);
}

function pyenvVersionsFolder(env: Env): string {
  return join(env.PYENV_ROOT || join(env.HOME || homedir(), '.pyenv'), 'versions');
}

/** Releases in pyenv's folder, newest first; what is not a plain release (virtualenvs, PyPy) is left out. */
async function listPyenvVersions(env: Env): Promise<readonly string[]> {
  const names = await listNames(pyenvVersionsFolder(env));
  return names.filter((name) => FULL_RELEASE.test(name)).sort(compareNewestFirst);
}

function compareNewestFirst(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true });
}

async function findInPyenv({ asked, env }: Looking): Promise<string | undefined> {
  for (const version of await listPyenvVersions(env)) {
    const path = join(pyenvVersionsFolder(env), version, 'bin', 'python');
    if (matchesVersion(version, asked) && (await isExecutable(path))) return path;
  }
  return undefined;
}

async function findWithUv(search: Looking): Promise<string | undefined> {
  const { uv, asked, env, signal } = search;
  if (uv === undefined) return undefined;
  const args = ['python', 'find', '--no-project', '--no-python-downloads', asked];
  const { exitCode, stdout } = await tryTool(uv, args, { env, signal });
  return exitCode === 0 ? stdout.trim() : undefined;
}

async function findOnPath({ asked, env }: Looking): Promise<string | undefined> {
  const minor = asked.split('.').slice(0, 2).join('.');
  for (const name of [`python${minor}`, 'python3', 'python']) {
    const path = await findExecutable(name, env);
    const interpreter = path === undefined ? undefined : await queryInterpreter(path, env);
    if (interpreter && matchesVersion(interpreter.version, asked)) return interpreter.path;
  }
  return undefined;
}

async function attempt(
  tool: string,
  make: () => Promise<string | undefined>,
  failures: string[],
): Promise<string | undefined> {
  try {
    return await make();
  } catch (error) {
    // An interruption is no failure of the tool.
    if (!(error instanceof MltsError)) throw error;
    failures.push(`${tool} could not provide it. ${error.message}`);
    return undefined;
  }
}

async function downloadWithUv(search: InterpreterSearch): Promise<string | undefined> {
  const { uv, asked, run } = search;
  if (uv === undefined) return undefined;
  await run({ title: `Downloading Python ${asked}`, file: uv, args: ['python', 'install', asked] });
  return findWithUv(search);
}

async function installWithPyenv(search: InterpreterSearch): Promise<string | undefined> {
  const pyenv = await findExecutable('pyenv', search.env);
  if (pyenv === undefined || !RELEASE.test(search.asked)) return undefined;
  const version = await newestInstallable(pyenv, search);
  if (version === undefined) return undefined;
  const title = `Building Python ${version} with pyenv (takes minutes)`;
  await search.run({ title, file: pyenv, args: ['install', '--skip-existing', version] });
  return findInPyenv({ ...search, asked: version });
}

/** pyenv wants all three parts; MLflow, too, takes the newest that begins as asked. */
async function newestInstallable(
  pyenv: string,
  { asked, env, signal }: InterpreterSearch,
): Promise<string | undefined> {
  if (FULL_RELEASE.test(asked)) return asked;
  const { stdout } = await tryTool(pyenv, ['install', '--list'], { env, signal });
  const versions = stdout.split('\n').map((line) => line.trim());
  return versions
    .filter((version) => FULL_RELEASE.test(version) && matchesVersion(version, asked))
    .sort(compareNewestFirst)[0];
}

async function explainMissing(
  { asked, askedBy, env, uv }: InterpreterSearch,
  failures: readonly string[],
): Promise<InvalidInput> {
  const current = await findCurrentPython(env).catch(() => undefined);
  const inPyenv = await listPyenvVersions(env);
  const searched = [
    `${pyenvVersionsFolder(env)} (${inPyenv.join(', ') || 'nothing there'})`,
    ...(uv === undefined ? [] : ['what uv knows']),
    `PATH (${current === undefined ? 'no python3' : `python3 is ${current.version}`})`,
  ];
  const message = `Python ${asked} was not found (${askedBy} asks for it); looked in ${searched.join(', ')}`;
  return new InvalidInput([message, ...failures].join('\n'), {
    hint: suggestVersion(asked, [...inPyenv, ...(current ? [current.version] : [])]),
  });
}

function suggestVersion(asked: string, present: readonly string[]): string {
  const minor = asked.split('.').slice(0, 2).join('.');
  const near = present.find((version) => matchesVersion(version, minor));
  return near === undefined
    ? `install Python ${asked}, or ask for a version that is here`
    : `Python ${near} is here: ask for \`${minor}\` to take any ${minor}`;
}
