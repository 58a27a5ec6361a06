import type { SimpleGitOptions, SimpleGitProgressEvent } from 'simple-git';
import type { Env } from '../core/environment-variables.ts';
import { InvalidInput, ToolError } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import { signalTreeIn } from './process-tree.ts';

export interface GitOptions {
  /** Where git runs; it must exist. */
  readonly directory: string;
  readonly env: Env;
  readonly signal: AbortSignal;
  /** May git ask for a user name or a password? Where nobody can answer it would wait for ever. */
  readonly mayPrompt: boolean;
  /** Called as `receiving 45%` while git fetches or checks out. */
  readonly onProgress?: (stage: string, percent: number) => void;
}

/** The user's own git, with the user's own configuration, credential helpers and ssh. */
export interface Git {
  /**
   * Runs git to its end and returns its standard output.
   *
   * @throws ToolError where it exits with a code other than 0 and those in `accept`; the message is
   * what git said. @throws Interrupted when the signal is aborted; git is ended first.
   */
  run(args: readonly string[], options?: { readonly accept?: readonly number[] }): Promise<string>;
}

/**
 * Set by git for its hooks, and about the repository of that hook: git run by us must find its own
 * (`git rev-parse --local-env-vars`, without the variables that carry configuration).
 */
const OF_ANOTHER_REPOSITORY = new Set([
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_DIR',
  'GIT_GRAFT_FILE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_INTERNAL_SUPER_PREFIX',
  'GIT_NAMESPACE',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_QUARANTINE_PATH',
  'GIT_REPLACE_REF_BASE',
  'GIT_SHALLOW_FILE',
  'GIT_WORK_TREE',
]);

/**
 * simple-git refuses a configuration that comes by environment variables. Ours is the user's own, and
 * CI sets credentials and ssh commands in just that way. What guards arguments (`--upload-pack`,
 * `--template`) stays on.
 */
const TRUSTED_ENVIRONMENT: NonNullable<SimpleGitOptions['unsafe']> = {
  allowUnsafeAlias: true,
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeDiffExternal: true,
  allowUnsafeEditor: true,
  allowUnsafeExec: true,
  allowUnsafeFilter: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeGitProxy: true,
  allowUnsafeGpgProgram: true,
  allowUnsafeHooksPath: true,
  allowUnsafeInclude: true,
  allowUnsafePager: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
  allowUnsafeSubmodule: true,
  allowUnsafeTemplateDir: true,
  allowUnsafeUrlRewrite: true,
};

/** Seconds without a single byte after which git gives a dead connection up. */
const STALL_SECONDS = '120';

/** Opens git in a folder. Nothing is run yet. */
export async function openGit(options: GitOptions): Promise<Git> {
  const { simpleGit } = await import('simple-git');
  const { directory, signal, onProgress } = options;
  const env = gitEnv(options);
  return {
    async run(args, { accept = [] } = {}) {
      signal.throwIfAborted();
      let said: string | undefined; // simple-git keeps only the text of an error that it is given.
      const git = simpleGit({
        baseDir: directory,
        abort: signal,
        allowEnvironment: Object.keys(env),
        unsafe: TRUSTED_ENVIRONMENT,
        errors(error, { exitCode, stdErr, stdOut }) {
          if (exitCode === 0 || accept.includes(exitCode)) return undefined;
          const isStarted = exitCode > 0;
          if (isStarted) said = Buffer.concat(stdErr.length > 0 ? stdErr : stdOut).toString('utf8');
          return error ?? new Error('git failed');
        },
        ...(onProgress === undefined ? {} : { progress: forward(onProgress) }),
      }).env(env);
      // Before simple-git's own listener, which ends git alone and so would make orphans of the rest.
      const endAll = (): void => signalTreeIn(directory, 'SIGTERM');
      signal.addEventListener('abort', endAll, { once: true });
      try {
        return await git.raw([...args]);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw toToolError(error, said);
      } finally {
        signal.removeEventListener('abort', endAll);
      }
    },
  };
}

function forward(onProgress: NonNullable<GitOptions['onProgress']>) {
  return ({ stage, progress }: SimpleGitProgressEvent): void => onProgress(stage, progress);
}

function gitEnv({ env, mayPrompt }: GitOptions): Record<string, string> {
  const own = Object.entries(env).filter(
    (pair): pair is [string, string] =>
      pair[1] !== undefined && !OF_ANOTHER_REPOSITORY.has(pair[0]),
  );
  return {
    GIT_HTTP_LOW_SPEED_LIMIT: '1',
    GIT_HTTP_LOW_SPEED_TIME: STALL_SECONDS,
    ...Object.fromEntries(own),
    // What git says is read in places, so it must say it in English.
    LC_ALL: 'C',
    // Reading facts must not write to the user's index.
    GIT_OPTIONAL_LOCKS: '0',
    ...(mayPrompt ? {} : { GIT_TERMINAL_PROMPT: '0', GCM_INTERACTIVE: 'never' }),
  };
}

function toToolError(error: unknown, said: string | undefined): Error {
  if (/spawn git ENOENT/.test(String(error))) {
    return new InvalidInput('`git` was not found on PATH', { hint: 'install git', cause: error });
  }
  const stderr = redactUrls(dropProgress(said ?? String(error)));
  return new ToolError(stderr === '' ? 'git failed and said nothing' : stderr, { stderr });
}

/** The last lines that are not `Receiving objects:  45% (9/20)`. */
function dropProgress(text: string): string {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  const words = lines.filter((line) => line !== '' && !/\d+% \(\d+\/\d+\)/.test(line));
  return words.slice(-8).join('\n');
}
