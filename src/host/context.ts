import type { Env } from '../core/environment-variables.ts';
import type { Interrupts } from './interrupts.ts';
import type { Terminal } from './terminal.ts';

/** What a command is given of the world; passed along, never global. */
export interface Context {
  readonly env: Env;
  readonly cwd: string;
  readonly terminal: Terminal;
  readonly interrupts: Interrupts;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** The same world with other variables. The folder is still looked up only by what needs it: it may be gone. */
export function withEnv(context: Context, env: Env): Context {
  const own = { value: env, enumerable: true };
  const others = Object.getOwnPropertyDescriptors(context);
  return Object.defineProperties({}, { ...others, env: own }) as Context;
}
