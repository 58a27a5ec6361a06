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
