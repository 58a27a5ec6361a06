import { lstat, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Env } from '../core/environment-variables.ts';
import { tryLock } from './files.ts';
import { listNames, removeFolder } from './folders.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

/** In the folder; locked for as long as the folder is in use. */
const LOCK_FILE = '.lock';

/**
 * Runs `work` with a new folder below `$TMPDIR`, which is removed at the end. Those of the same prefix that
 * processes of this user left when they were killed are removed before: nobody holds their lock any more, and
 * that is the operating system's word, in whatever container its holder was.
 */
export async function withHeldFolder<T>(
  prefix: string,
  env: Env,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  await removeAbandoned(prefix, env.TMPDIR || tmpdir());
  const folder = await makeTemporaryFolder(prefix, env);
  try {
    const release = await holdFolder(folder);
    try {
      return await work(folder);
    } finally {
      release?.();
    }
  } finally {
    await removeFolder(folder);
  }
}

/**
 * Under its name the lock is seen only when it is held: until then nobody takes the folder for abandoned. A disk
 * that has no locks is no reason not to work: without the name the folder is just never taken for abandoned.
 */
async function holdFolder(folder: string): Promise<(() => void) | undefined> {
  const unnamed = join(folder, `${LOCK_FILE}-new`);
  try {
    const release = await tryLock(unnamed);
    await rename(unnamed, join(folder, LOCK_FILE));
    return release;
  } catch {
    return undefined;
  }
}

/** That one cannot be removed is no reason not to work. */
async function removeAbandoned(prefix: string, parent: string): Promise<void> {
  const names = await listNames(parent);
  for (const name of names.filter((one) => one.startsWith(prefix))) {
    await removeUnheld(join(parent, name)).catch(() => {});
  }
}

async function removeUnheld(folder: string): Promise<void> {
  const lock = join(folder, LOCK_FILE);
  const [outer, inner] = [await lstat(folder), await lstat(lock)];
  const isOurs = outer.uid === process.getuid?.() && inner.uid === outer.uid;
  if (!isOurs || !outer.isDirectory() || !inner.isFile()) return;
  const release = await tryLock(lock);
  if (release === undefined) return;
  try {
    await removeFolder(folder);
  } finally {
    release();
  }
}
