import { mkdtempSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';

/** The program as it is shipped. */
export const bin = resolve(import.meta.dirname, '../../bin/mlts.cjs');

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

export interface Started {
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

export interface Rig extends AsyncDisposable {
  /** A folder of its own, removed at the end; also HOME and the cache are below it. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  path(...parts: string[]): string;
  /** Runs the real bin to its end. */
  mlts(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Starts the real bin and leaves it running. */
  start(args: readonly string[], options?: RunOptions): Started;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** An environment with nothing of the developer's: a clean HOME, no MLFLOW_* settings, no colours. */
export function createRig(extra: Readonly<Record<string, string>> = {}): Rig {
  const directory = mkdtempSync(join(tmpdir(), 'mlts-rig-'));
  const inherited = Object.entries(process.env).filter(
    ([name, value]) =>
      value !== undefined && !/^(MLFLOW|MLTS|VITEST|FORCE_COLOR|NODE_ENV)/.test(name),
  );
  const env: Record<string, string> = {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    HOME: join(directory, 'home'),
    XDG_CACHE_HOME: join(directory, 'home', '.cache'),
    GIT_CONFIG_GLOBAL: join(directory, 'home', '.gitconfig'),
    NO_COLOR: '1',
    ...extra,
  };
  const start: Rig['start'] = (args, options = {}) => {
    const child = execa(bin, args, {
      cwd: options.cwd ?? directory,
      env: { ...env, ...options.env },
      extendEnv: false,
      reject: false,
      // A slow machine may take longer to end what it was told to end.
      forceKillAfterDelay: false,
      stripFinalNewline: false,
      ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    });
    return { ended: readEnd(child), kill: (signal) => void child.kill(signal) };
  };
  return {
    directory,
    env,
    start,
    path: (...parts) => join(directory, ...parts),
    async write(files) {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(directory, name)), { recursive: true });
        await writeFile(join(directory, name), text);
      }
    },
    mlts: (args, options) => start(args, options).ended,
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Result {
  readonly stdout?: unknown;
  readonly stderr?: unknown;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
}

async function readEnd(child: PromiseLike<Result>): Promise<Ended> {
  const { stdout, stderr, exitCode, signal } = await child;
  return { stdout: String(stdout), stderr: String(stderr), exitCode, signal };
}
