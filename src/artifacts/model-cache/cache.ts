import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { readNumber, variables } from '../../core/environment-variables.ts';
import type { Context } from '../../host/context.ts';
import { cacheDirectory, withLock } from '../../host/files.ts';
import { type ArtifactPlace, joinPath, showUri } from '../artifact-uri.ts';

const DEFAULT_LIMIT_GB = 20;

/**
 * Downloaded models. Below `folder` lie
 * `blobs/<sha256>`: the content of files, each once, however many models have it;
 * `trees/<hash>/`: models as folders, their files links to blobs;
 * `sources/<hash>.json`: what was found where, and in which tree it is now;
 * `incoming/<hash>/`: what is just arriving from a source.
 */
export interface ModelCache {
  readonly folder: string;
  /** Above this size, what was not used for the longest time goes. */
  readonly limitBytes: number;
}

/**
 * MLTS_MODEL_CACHE names the folder, or turns the cache off (`off`, `0`, `false`); MLTS_MODEL_CACHE_GB is
 * its size in gigabytes. Undefined where it is off.
 */
export function findModelCache({ env, cwd }: Pick<Context, 'env' | 'cwd'>): ModelCache | undefined {
  const named = env[variables.modelCache] ?? '';
  if (/^(off|0|false)$/i.test(named)) return undefined;
  return {
    folder: named === '' ? join(cacheDirectory(env), 'models') : resolve(cwd, named),
    limitBytes: readNumber(env, variables.modelCacheGigabytes, DEFAULT_LIMIT_GB) * 1_000 ** 3,
  };
}

/** What the cache calls a place in a store; without credentials. */
export function nameSource({ base, path }: ArtifactPlace, trackingUri: string): string {
  // `mlflow-artifacts:` means another place on each server.
  const server = base.startsWith('mlflow-artifacts:') ? `${showUri(trackingUri)} ` : '';
  return `${server}${joinPath(showUri(base).replace(/\/+$/, ''), path)}`;
}

export function pathOfBlob({ folder }: ModelCache, sha256: string): string {
  return join(folder, 'blobs', sha256);
}

export function pathOfTree({ folder }: ModelCache, tree: string): string {
  return join(folder, 'trees', tree);
}

/** Held while blobs, trees and sources are changed; never while something is downloaded. */
export function withCacheLock<T>(
  { folder }: ModelCache,
  { interrupts }: Context,
  work: () => Promise<T>,
): Promise<T> {
  return withLock(join(folder, 'locks', 'cache.lock'), { signal: interrupts.signal }, work);
}

/** Held while something is downloaded from one source: others wait, and find it there. */
export function withSourceLock<T>(
  { folder }: ModelCache,
  source: string,
  { interrupts, terminal }: Context,
  work: () => Promise<T>,
): Promise<T> {
  const onWait = (): void => terminal.note('waiting for another mlts that downloads this model');
  const path = join(folder, 'locks', `${hashText(source)}.lock`);
  return withLock(path, { signal: interrupts.signal, onWait }, work);
}

export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
