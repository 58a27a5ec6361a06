import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Env, variables } from '../core/environment-variables.ts';
import { normalizePackageName } from '../core/package-name.ts';
import { kindOf, withLock } from '../host/files.ts';
import {
  listFiles,
  listNames,
  makeFolder,
  moveFolder,
  removeFolder,
  replaceInFile,
} from '../host/folders.ts';

/** Where MLflow keeps virtual environments: `$MLFLOW_ENV_ROOT`, else `~/.mlflow/envs`. */
export function environmentRoot(env: Env): string {
  return env[variables.environmentRoot] || join(env.HOME || homedir(), '.mlflow', 'envs');
}

/**
 * `ready`: its Python starts from an interpreter that is still there; `broken`: a folder without one (the
 * interpreter was removed, or what made the folder was cut off). Looks at files only, starts nothing.
 */
export async function inspectFolder(folder: string): Promise<'ready' | 'broken' | 'missing'> {
  if ((await kindOf(join(folder, 'bin', 'python'))) === 'file') return 'ready';
  return (await kindOf(folder)) === undefined ? 'missing' : 'broken';
}

export interface FolderBuild {
  readonly root: string;
  /** `mlflow-` and 40 hexadecimal digits. */
  readonly name: string;
  readonly signal: AbortSignal;
  /** Called if another process is making the same environment. */
  readonly onWait: () => void;
}

/**
 * Has `build` make the environment in a temporary folder beside its place, then renames it there, all
 * under a lock: of many processes that want it one builds and the others find it ready. A build that
 * fails or is interrupted leaves nothing; what a killed one left is removed by the next.
 *
 * A virtual environment knows its own path, so the temporary name has as many characters as the final
 * one and is replaced by it wherever it was written.
 */
export async function buildInPlace(
  { root, name, signal, onWait }: FolderBuild,
  build: (folder: string) => Promise<void>,
): Promise<void> {
  await withFolderLock({ root, name, signal, onWait }, async () => {
    const place = join(root, name);
    if ((await inspectFolder(place)) === 'ready') return;
    const partial = join(root, partialName(name));
    try {
      await removeFolder(partial);
      await build(partial);
      signal.throwIfAborted();
      await rewriteOwnName(partial, name);
      await putInPlace(partial, place);
    } finally {
      await removeFolder(partial);
    }
  });
}

/** Nobody else makes or changes the environment while `work` does. */
export async function withFolderLock(
  { root, name, signal, onWait }: FolderBuild,
  work: () => Promise<void>,
): Promise<void> {
  const locks = join(root, '.locks');
  await makeFolder(locks, 'set MLFLOW_ENV_ROOT to a folder that you can write to');
  await withLock(join(locks, `${name}.lock`), { signal, onWait }, work);
}

/** Whether a package is installed in it; without a version, any. Looks at names of files only. */
export async function hasPackage(
  folder: string,
  name: string,
  version: string | undefined,
): Promise<boolean> {
  return (await listDistributions(folder)).some((one) =>
    version === undefined ? one.startsWith(`${name}-`) : one === `${name}-${version}`,
  );
}

/** The packages that are installed in it, by their normalized names. Looks at names of files only. */
export async function listPackages(folder: string): Promise<ReadonlySet<string>> {
  const names = (await listDistributions(folder)).map((one) => one.replace(/-.*/, ''));
  return new Set(names.map(normalizePackageName));
}

const DISTRIBUTION = /^([^-]+-.*)\.dist-info$/;

/** As `NAME-VERSION`: no name has a dash there. */
async function listDistributions(folder: string): Promise<readonly string[]> {
  const pythons = await listNames(join(folder, 'lib'));
  const found = await Promise.all(
    pythons.map((python) => listNames(join(folder, 'lib', python, 'site-packages'))),
  );
  return found.flat().flatMap((one) => DISTRIBUTION.exec(one)?.[1] ?? []);
}

const PREFIX = '.partial-';

function partialName(name: string): string {
  return PREFIX + name.slice(-(name.length - PREFIX.length));
}

/** Where an environment writes its own path: scripts, activation, and what editable installs leave. */
async function rewriteOwnName(folder: string, name: string): Promise<void> {
  const paths = [join(folder, 'pyvenv.cfg'), ...(await listPaths(join(folder, 'bin')))];
  for (const version of await listNames(join(folder, 'lib'))) {
    const packages = await listPaths(join(folder, 'lib', version, 'site-packages'));
    paths.push(...packages.filter((path) => /\.(pth|egg-link|py)$/.test(path)));
  }
  for (const path of paths) await replaceInFile(path, partialName(name), name);
}

async function listPaths(folder: string): Promise<readonly string[]> {
  return (await listFiles(folder)).map((file) => join(folder, file));
}

/** What is there already is broken; it is moved away first, so that the place is empty for a moment only. */
async function putInPlace(partial: string, place: string): Promise<void> {
  const broken = `${place}.broken`;
  if ((await inspectFolder(place)) === 'broken') {
    await removeFolder(broken);
    await moveFolder(place, broken);
  }
  await moveFolder(partial, place);
  await removeFolder(broken);
}
