import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Env, variables } from '../core/environment-variables.ts';
import { makeFolder } from './folders.ts';

/** The file's text, or undefined where there is no such file. */
export async function readTextIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** What `path` is, links followed; undefined where nothing is. */
export async function kindOf(path: string): Promise<'file' | 'directory' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Never a half-written file under the final name: writes beside it, then renames. */
export async function writeFileAtomically(path: string, text: string): Promise<void> {
  const temporary = await mkdtemp(join(dirname(path), `.${basename(path)}-`));
  try {
    await writeFile(join(temporary, 'file'), text);
    await rename(join(temporary, 'file'), path);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** `$MLTS_CACHE_DIR`, `$XDG_CACHE_HOME/mlts` or `~/.cache/mlts`: whatever is below can be deleted at any time. */
export function cacheDirectory(env: Env): string {
  const named = env[variables.cacheDirectory];
  if (named !== undefined && named !== '') return named;
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'mlts');
}

/**
 * Runs `work` while holding the lock at `path` against every other process. The lock is the operating
 * system's, taken by SQLite on a file of its own, so it ends with its holder, however that ends; a lock
 * made of a file's mere existence would have to be guessed stale.
 *
 * `onWait` is called once if another process holds it.
 */
export async function withLock<T>(
  path: string,
  options: { readonly signal: AbortSignal; readonly onWait?: () => void },
  work: () => Promise<T>,
): Promise<T> {
  const { DatabaseSync } = await import('node:sqlite');
  await makeFolder(dirname(path));
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    for (let waited = false; !tryBegin(lock); waited = true) {
      if (!waited) options.onWait?.();
      await sleep(100, undefined, { signal: options.signal }).catch(() => {
        throw options.signal.reason;
      });
    }
    return await work();
  } finally {
    lock.close();
  }
}

/** Takes the lock at `path` as `withLock` does, if nobody has it; returns what gives it back. */
export async function tryLock(path: string): Promise<(() => void) | undefined> {
  const { DatabaseSync } = await import('node:sqlite');
  const lock = new DatabaseSync(path, { timeout: 0 });
  if (tryBegin(lock)) return () => lock.close();
  lock.close();
  return undefined;
}

function tryBegin(lock: { exec(sql: string): void }): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (/database is locked/.test(String(error))) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
