import { mkdir } from 'node:fs/promises';
import { execa } from 'execa';
import { testCache } from './cache.ts';

/** Before any test: the program as it is shipped is built, and the cache is there. */
export async function setup(): Promise<void> {
  await mkdir(testCache, { recursive: true });
  await execa('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
