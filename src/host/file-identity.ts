import { statSync } from 'node:fs';

/**
 * Which file is at a path: its device and number, the same as long as it is the same file, whatever it is called.
 * Undefined where there is none. It blocks, for some microseconds: who asks is about to block for longer.
 */
export function readFileIdentity(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found && `${found.dev}:${found.ino}`;
}
