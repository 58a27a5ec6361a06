import { join } from 'node:path';
import { cacheDirectory, withLock } from '../../src/host/files.ts';

/** Where the test set-up keeps what it installs (environments, images); outside the work tree. */
export const testCache = join(cacheDirectory(process.env), 'tests');

/** Runs `work` in one worker at a time, whichever of them comes first; `name` says what is guarded. */
export function once<T>(name: string, work: () => Promise<T>): Promise<T> {
  return withLock(
    join(testCache, 'locks', `${name}.lock`),
    { signal: new AbortController().signal },
    work,
  );
}
