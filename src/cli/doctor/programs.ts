import type { Context } from '../../host/context.ts';
import { findExecutable } from '../../host/executables.ts';
import { tryTool } from '../../host/tool.ts';

/** A program that `mlts run` may drive. */
export interface Program {
  readonly name: string;
  /** Undefined where it is not on PATH. */
  readonly path: string | undefined;
  /** Undefined where it does not say, or does not work. */
  readonly version: string | undefined;
  /** What cannot be done without it. */
  readonly purpose: string;
}

const PURPOSES: Readonly<Record<string, string>> = {
  python3: 'virtual environments, and most projects',
  uv: '--env-manager uv; virtualenv is faster with it',
  conda: '--env-manager conda',
  mamba: '--env-manager conda',
  micromamba: '--env-manager conda',
  docker: 'looking at containers; mlts talks to the daemon itself',
  git: 'projects in Git repositories, and --version',
};

const ANSWER_MS = 5_000;

export function findPrograms(context: Context): Promise<readonly Program[]> {
  return Promise.all(
    Object.entries(PURPOSES).map(([name, purpose]) => findProgram(name, purpose, context)),
  );
}

async function findProgram(name: string, purpose: string, context: Context): Promise<Program> {
  const path = await findExecutable(name, context.env);
  const version = path === undefined ? undefined : await askVersion(path, context);
  return { name, path, version, purpose };
}

async function askVersion(path: string, { env, interrupts }: Context): Promise<string | undefined> {
  const signal = AbortSignal.any([interrupts.signal, AbortSignal.timeout(ANSWER_MS)]);
  const output = await tryTool(path, ['--version'], { env, signal }).catch(() => undefined);
  interrupts.signal.throwIfAborted();
  return /\d+\.\d+[\w.]*/.exec(output?.stdout ?? '')?.[0];
}
