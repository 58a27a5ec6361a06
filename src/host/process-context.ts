import { readFlag, variables } from '../core/environment-variables.ts';
import { NotFound } from '../core/errors.ts';
import { createRedactor } from '../core/redact.ts';
import type { Context } from './context.ts';
import { cacheDirectory } from './files.ts';
import { listenForInterrupts } from './interrupts.ts';
import { createTerminal } from './terminal.ts';

export interface ProcessContext extends Context {
  readonly cacheDirectory: string;
  /** Stacks and causes are shown with an error: `--debug` or MLTS_DEBUG. */
  debug: boolean;
  /** Sets those that are not set yet, for this process and all that it starts. */
  addVariables(added: Readonly<Record<string, string>>): void;
}

/** The context of a real process: its environment, folder, streams and signals. */
export function createContext(process: NodeJS.Process): ProcessContext {
  const { env, stdout, stderr } = process;
  endQuietlyWhenNobodyReads(process);
  let redact = createRedactor(env);
  return {
    env,
    get cwd() {
      return readCurrentFolder(process);
    },
    cacheDirectory: cacheDirectory(env),
    debug: readFlag(env, variables.debug),
    interrupts: listenForInterrupts(process),
    now: () => Date.now(),
    addVariables(added) {
      for (const [name, value] of Object.entries(added)) env[name] ??= value;
      redact = createRedactor(env);
      this.debug ||= readFlag(env, variables.debug);
    },
    terminal: createTerminal({
      stdout,
      stderr,
      color: wantsColor(env, stderr.isTTY),
      movesCursor: env.TERM !== 'dumb',
      redact: (text) => redact(text),
    }),
  };
}

/** Asked for only by what needs it: help works from anywhere. */
function readCurrentFolder(process: NodeJS.Process): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new NotFound('the current folder was removed', {
      hint: 'change to a folder that is there',
      cause,
    });
  }
}

/** `mlts ... | head` closes our stdout: that is no error, and there is nobody left to tell. */
function endQuietlyWhenNobodyReads(process: NodeJS.Process): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  process.stderr.on('error', () => {});
}

/** https://no-color.org, then FORCE_COLOR, then whether people read along. */
function wantsColor(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0';
  return isTerminal && env.TERM !== 'dumb';
}
