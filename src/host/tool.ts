import { execa } from 'execa';
import { InvalidInput, ToolError } from '../core/errors.ts';
import { Interrupted } from './interrupts.ts';

export interface ToolOptions {
  readonly cwd?: string;
  /** The whole environment of the tool. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  readonly input?: string;
  /** Called with each line that the tool writes (both streams), as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * Runs a program that mlts drives (git, uv, pip, conda) to its end, its output captured.
 *
 * @throws ToolError where it cannot be started or exits other than 0; the message ends with the last
 * lines it wrote. @throws Interrupted when `signal` is aborted; the tool is ended first.
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
  options: ToolOptions,
): Promise<ToolOutput> {
  const child = execa(file, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env as Record<string, string>,
    extendEnv: false,
    reject: false,
    all: options.onLine !== undefined,
    stripFinalNewline: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    forceKillAfterDelay: 5_000,
  });
  const { onLine } = options;
  const reading =
    onLine === undefined
      ? Promise.resolve()
      : (async () => {
          for await (const line of child.iterable({ from: 'all' })) onLine(line);
        })().catch(() => {});
  const result = await child;
  await reading;
  if (result.isCanceled && options.signal !== undefined) {
    const { reason } = options.signal;
    throw reason instanceof Error ? reason : new Interrupted('SIGTERM');
  }
  if (result.failed && result.exitCode === undefined && result.signal === undefined) {
    throw startError(file, result);
  }
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode ?? -1 };
}

function startError(file: string, result: { code?: string | undefined; cause?: unknown }): Error {
  return result.code === 'ENOENT'
    ? new InvalidInput(`\`${file}\` was not found on PATH`, { cause: result.cause })
    : new ToolError(`\`${file}\` could not be started: ${String(result.cause ?? result.code)}`, {
        cause: result.cause,
      });
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-8).join('\n');
}
