import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { InvalidInput, ToolError } from '../core/errors.ts';
import type { ProcessLaunch } from '../core/launch.ts';
import type { Outcome } from '../core/outcome.ts';
import { type Interrupts, signalNameOf } from './interrupts.ts';
import { findGroup, type ProcessGroup } from './process-group.ts';

export interface ChildOptions {
  readonly interrupts: Interrupts;
  /** Between the first signal and SIGKILL. */
  readonly graceMs: number;
}

/**
 * Runs the user's command to its end, on our own stdin, stdout and stderr, byte for byte.
 *
 * The child leads a session of its own, so that a signal reaches all of its process group and nothing
 * else: the first interrupt is passed on, after `graceMs` or a second interrupt the group is killed.
 * Ctrl-Z and fg stop and continue the group with us; a resized window is told to it.
 *
 * @throws InvalidInput where the command or the working directory is missing, ToolError where it
 * cannot be started for another reason.
 */
export async function runChild(launch: ProcessLaunch, options: ChildOptions): Promise<Outcome> {
  const child = execa(launch.file, launch.args, {
    cwd: launch.cwd,
    env: launch.env,
    extendEnv: false,
    stdio: 'inherit',
    detached: true,
    cleanup: false,
    reject: false,
  });
  const { pid } = child;
  if (pid === undefined) throw startError(launch, await child);
  const group = findGroup(pid);
  const stopRelaying = relayJobControl(group);
  const interruption = endOnInterrupt(group, options);
  try {
    const result = await child;
    const interruptedBy = await interruption.settle();
    return {
      exitCode: result.exitCode ?? exitCodeOfSignal(result.signal),
      signal: result.signal,
      interruptedBy,
    };
  } finally {
    stopRelaying();
  }
}

/** Passes the first interrupt on to the group and makes sure that the group ends. */
function endOnInterrupt(
  group: ProcessGroup,
  { interrupts, graceMs }: ChildOptions,
): { settle(): Promise<Outcome['interruptedBy']> } {
  let interruptedBy: Outcome['interruptedBy'];
  let grace: NodeJS.Timeout | undefined;
  let deadlineMs = 0;
  const killAll = (): void => group.send('SIGKILL');
  const passOn = (): void => {
    interruptedBy = signalNameOf(interrupts);
    group.send(interruptedBy);
    grace = setTimeout(killAll, graceMs);
    deadlineMs = Date.now() + graceMs + 1_000;
  };
  if (interrupts.signal.aborted) passOn();
  interrupts.signal.addEventListener('abort', passOn, { once: true });
  interrupts.force.addEventListener('abort', killAll, { once: true });
  return {
    /** Called when the leader has ended: the rest of an interrupted group gets what is left of the grace. */
    async settle() {
      interrupts.signal.removeEventListener('abort', passOn);
      if (interruptedBy !== undefined) await waitForGroupEnd(group, deadlineMs, interrupts.force);
      clearTimeout(grace);
      interrupts.force.removeEventListener('abort', killAll);
      return interruptedBy;
    },
  };
}

/**
 * Waits until nobody is left in the group, at most until `deadlineMs` or a second after a forced end:
 * where no init collects zombies, a dead group looks alive for ever.
 */
async function waitForGroupEnd(
  group: ProcessGroup,
  deadlineMs: number,
  force: AbortSignal,
): Promise<void> {
  let deadline = deadlineMs;
  const hurry = (): void => {
    deadline = Math.min(deadline, Date.now() + 1_000);
  };
  force.addEventListener('abort', hurry, { once: true });
  if (force.aborted) hurry();
  while (group.isAlive() && Date.now() < deadline) await sleep(20);
  force.removeEventListener('abort', hurry);
}

function relayJobControl(group: ProcessGroup): () => void {
  const stop = (): void => {
    group.send('SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
  };
  const proceed = (): void => group.send('SIGCONT');
  const resize = (): void => group.send('SIGWINCH');
  process.on('SIGTSTP', stop).on('SIGCONT', proceed).on('SIGWINCH', resize);
  return () => {
    process.off('SIGTSTP', stop).off('SIGCONT', proceed).off('SIGWINCH', resize);
  };
}

function exitCodeOfSignal(signal: NodeJS.Signals | undefined): number {
  return signal === undefined ? 1 : 128 + constants.signals[signal];
}

function startError(
  launch: ProcessLaunch,
  result: { code?: string | undefined; cause?: unknown },
): Error {
  const details = { cause: result.cause };
  if (result.code === 'ENOENT') {
    return new InvalidInput(
      `\`${launch.file}\` was not found on PATH, or the folder ${launch.cwd} is gone`,
      details,
    );
  }
  return new ToolError(
    `\`${launch.file}\` could not be started: ${result.code ?? 'unknown'}`,
    details,
  );
}
