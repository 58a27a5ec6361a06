import { execa } from 'execa';
import { InvalidInput, ToolError } from '../core/errors.ts';

export interface ToolGroupOptions {
  readonly cwd: string;
  /** The whole environment of the tool. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Called with each line that the tool writes (both streams), as it comes. */
  readonly onLine: (line: string) => void;
}

/** Between SIGTERM to the group and SIGKILL. */
const GRACE_MS = 5_000;

/**
 * Runs a tool that starts programs of its own (a package's build, a compiler) to its end, in a session of
 * its own, and resolves to its exit code; -1 stands for an end by a signal. When `signal` is aborted all
 * of them are ended: one that was left would go on writing to a folder that is being removed, and hold the
 * tool's output open. Without a terminal nothing in the group can ask a question.
 *
 * @throws the signal's reason, InvalidInput where there is no such program, ToolError where it cannot start.
 */
export async function runToolGroup(
  file: string,
  args: readonly string[],
  { cwd, env, signal, onLine }: ToolGroupOptions,
): Promise<number> {
  signal.throwIfAborted();
  const child = execa(file, args, {
    cwd,
    env: env as Record<string, string>,
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    buffer: false,
    detached: true,
    reject: false,
  });
  const stopWatching = endGroupOnAbort(child.nodeChildProcess, signal);
  try {
    for await (const line of child.iterable({ from: 'all' })) onLine(line);
  } catch {
    // A start that failed and an end by a signal are told by the result.
  }
  const result = await child;
  stopWatching();
  signal.throwIfAborted();
  if (result.exitCode === undefined && result.signal === undefined) throw startError(file, result);
  return result.exitCode ?? -1;
}

interface GroupLeader {
  readonly pid?: number | undefined;
  once(event: 'exit', listener: () => void): unknown;
}

function endGroupOnAbort(leader: GroupLeader, signal: AbortSignal): () => void {
  let grace: NodeJS.Timeout | undefined;
  const killAll = (): void => sendToGroup(leader.pid, 'SIGKILL');
  const end = (): void => {
    sendToGroup(leader.pid, 'SIGTERM');
    grace = setTimeout(killAll, GRACE_MS);
  };
  signal.addEventListener('abort', end, { once: true });
  leader.once('exit', () => {
    if (signal.aborted) killAll();
  });
  return () => {
    signal.removeEventListener('abort', end);
    clearTimeout(grace);
  };
}

function sendToGroup(leaderPid: number | undefined, signalName: NodeJS.Signals): void {
  if (leaderPid === undefined) return;
  try {
    process.kill(-leaderPid, signalName);
  } catch {
    // Nobody is left.
  }
}

function startError(file: string, result: { code?: string | undefined; cause?: unknown }): Error {
  const { cause } = result;
  return result.code === 'ENOENT'
    ? new InvalidInput(`\`${file}\` was not found`, { cause })
    : new ToolError(`\`${file}\` could not be started: ${result.code ?? 'unknown'}`, { cause });
}
