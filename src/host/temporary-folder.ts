import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Env } from '../core/environment-variables.ts';

/** A new, empty folder below `$TMPDIR` that only this user can read; whoever asks for it removes it. */
export async function makeTemporaryFolder(prefix: string, env: Env): Promise<string> {
  return makeUniqueFolder(await realpath(env.TMPDIR || tmpdir()), prefix);
}

/** As `makeTemporaryFolder`, in a folder that is there. */
export async function makeUniqueFolder(parent: string, prefix: string): Promise<string> {
  return mkdtemp(join(parent, prefix));
}

/** The path with all links followed. */
export async function resolveLinks(path: string): Promise<string> {
  return realpath(path);
}
