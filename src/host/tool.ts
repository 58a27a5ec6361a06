import { execa } from 'execa';
import { InvalidInput, ToolError } from '../core/errors.ts';
import { findGroup } from './process-group.ts';

export interface ToolOptions {
  readonly cwd?: string;
  /** The whole environment of the tool. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  readonly input?: string;
}

export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Between SIGTERM to a tool's group and SIGKILL. */
const GRACE_MS = 5_000;

/**
 * Runs a program that mlts drives (git, conda) to its end, its output captured.
 *
 * @throws ToolError where it cannot be started or exits other than 0; the message ends with the last
 * lines it wrote. InvalidInput where there is no such program. The signal's reason when it is aborted.
 */
export async function runTool(
  file: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<ToolOutput> {
  const output = await tryTool(file, args, options);
  if (output.exitCode === 0) return output;
  const said = lastLines(output.stderr.trim() === '' ? output.stdout : output.stderr);
  throw new ToolError(`\`${[file, ...args].join(' ')}\` exited with ${output.exitCode}: ${said}`, {
    stderr: output.stderr,
  });
}

/** As `runTool`, but an exit code other than 0 is a result; -1 stands for an end by a signal. */
export async function tryTool(
  file: string,
  args: readonly string[],
  { signal, ...options }: ToolOptions,
): Promise<ToolOutput> {
  signal?.throwIfAborted();
  const child = execa(file, args, { ...describeTool(options), stripFinalNewline: false });
  const result = await endingWith(signal, child.nodeChildProcess, child);
  return { stdout: result.stdout, stderr: result.stderr, exitCode: readExitCode(file, result) };
}

/**
 * Runs a tool that talks while it works (pip, uv, conda), each line of both its streams given to
 * `onLine` as it comes. Resolves to its exit code, -1 for an end by a signal; throws as `runTool`.
 */
export async function streamTool(
  file: string,
  args: readonly string[],
  { signal, ...options }: ToolOptions,
  onLine: (line: string) => void,
): Promise<number> {
  signal?.throwIfAborted();
  const child = execa(file, args, { ...describeTool(options), all: true, buffer: false });
  const read = async () => {
    try {
      for await (const line of child.iterable({ from: 'all' })) onLine(line);
    } catch {
      // A start that failed and an end by a signal are told by the result.
    }
    return child;
  };
  return readExitCode(file, await endingWith(signal, child.nodeChildProcess, read()));
}

/**
 * A session of its own, so that its descendants (a package's build, a compiler, ssh) can be ended with it:
 * one that was left would go on writing to a folder that is being removed and hold the output open.
 */
function describeTool({ cwd, env, input }: Omit<ToolOptions, 'signal'>) {
  return {
    ...(cwd === undefined ? {} : { cwd }),
    env: env as Record<string, string>,
    extendEnv: false,
    reject: false,
    detached: true,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  } as const;
}

interface Leader {
  readonly pid?: number | undefined;
  once(event: 'exit', listener: () => void): unknown;
}

/** Ends the group of `leader` when `signal` is aborted, and then throws the signal's reason. */
async function endingWith<T>(
  signal: AbortSignal | undefined,
  leader: Leader,
  work: PromiseLike<T>,
): Promise<T> {
  if (signal === undefined || leader.pid === undefined) return work;
  const group = findGroup(leader.pid);
  let grace: NodeJS.Timeout | undefined;
  const kill = (): void => group.send('SIGKILL');
  const end = (): void => {
    group.send('SIGTERM');
    grace = setTimeout(kill, GRACE_MS);
  };
  signal.addEventListener('abort', end, { once: true });
  leader.once('exit', () => {
    if (signal.aborted) kill();
  });
  try {
    return await work;
  } finally {
    signal.removeEventListener('abort', end);
    clearTimeout(grace);
    signal.throwIfAborted();
  }
}

interface Result {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly code?: string | undefined;
  readonly cause?: unknown;
}

function readExitCode(file: string, { exitCode, signal, code, cause }: Result): number {
  if (exitCode !== undefined || signal !== undefined) return exitCode ?? -1;
  if (code === 'ENOENT') throw new InvalidInput(`\`${file}\` was not found`, { cause });
  throw new ToolError(`\`${file}\` could not be started: ${code ?? String(cause)}`, { cause });
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-8).join('\n');
}
