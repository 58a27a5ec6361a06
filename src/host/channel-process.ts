import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { ToolError } from '../core/errors.ts';
import type { ProcessLaunch } from '../core/launch.ts';

/** How a process ended: by its own exit code, or by a signal. */
export interface ProcessEnd {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

/** A process with which we talk over a socket of its own, so that what it prints cannot spoil the talk. */
export interface ChannelProcess {
  readonly pid: number | undefined;
  /** Its descriptor 3. */
  readonly channel: Duplex;
  /** Never rejects: a process that could not be started ends with an error. */
  readonly ended: Promise<ProcessEnd>;
  /** At once, with all that it has started. */
  kill(): void;
}

/**
 * Starts a process that reads nothing from stdin, prints on our stdout and stderr, and speaks over its
 * descriptor 3. It leads a process group of its own: Ctrl-C at a terminal is ours to answer.
 *
 * @throws ToolError where it cannot be started.
 */
export function startChannelProcess({ file, args, cwd, env }: ProcessLaunch): ChannelProcess {
  const child = spawn(file, args, {
    cwd,
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    detached: true,
  });
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('error', () => resolve({ exitCode: 127, signal: undefined }));
    child.once('exit', (code, signal) =>
      resolve({ exitCode: code ?? undefined, signal: signal ?? undefined }),
    );
  });
  const channel = child.stdio[3] as Duplex | undefined;
  if (!channel) throw new ToolError(`\`${file}\` could not be started`);
  // A process that dies while we write to it: its end says more.
  channel.on('error', () => {});
  const { pid } = child;
  return { pid, channel, ended, kill: () => killGroup(pid) };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}
