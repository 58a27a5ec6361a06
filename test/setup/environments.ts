import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';
import type { EnvironmentSource, PreparedEnvironment } from '../../src/environments/environment.ts';
import { findExecutable } from '../../src/host/executables.ts';
import { testCache } from './cache.ts';
import { ensureMlflow, mlflowEnv } from './mlflow.ts';

/** A project folder, a place for environments and a folder of stand-in programs; removed at the end. */
export interface Workspace extends AsyncDisposable {
  readonly directory: string;
  readonly root: string;
  readonly bin: string;
  /** With `bin` first on PATH, and no uv after it. */
  readonly env: Record<string, string>;
  /** Writes a file into the project and returns its path. */
  write(name: string, text: string): Promise<string>;
  /** Writes the environment file and returns what an environment is opened from. */
  source(kind: 'python_env' | 'conda_env', text: string): Promise<EnvironmentSource>;
  /** Puts a shell script on PATH. */
  addProgram(name: string, script: string): Promise<void>;
  /** Puts the real uv on PATH. */
  addUv(): Promise<void>;
}

export async function createWorkspace(): Promise<Workspace> {
  await mkdir(testCache, { recursive: true });
  const base = await mkdtemp(join(testCache, 'environments-'));
  const [directory, root, bin] = [join(base, 'a project'), join(base, 'envs'), join(base, 'bin')];
  await Promise.all([mkdir(directory), mkdir(bin)]);
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return path;
  };
  return {
    directory,
    root,
    bin,
    env: {
      ...mlflowEnv(),
      HOME: base,
      PYENV_ROOT: process.env.PYENV_ROOT ?? '',
      MLFLOW_ENV_ROOT: root,
      MLTS_CACHE_DIR: join(base, 'cache'),
      PATH: [bin, await pathWithoutUv()].join(delimiter),
    },
    write,
    async source(kind, text) {
      const file = await write(kind === 'conda_env' ? 'conda.yaml' : 'python_env.yaml', text);
      return { directory, kind, file };
    },
    async addProgram(name, script) {
      await writeFile(join(bin, name), `#!/bin/bash\n${script}\n`);
      await chmod(join(bin, name), 0o755);
    },
    async addUv() {
      await symlink(join((await ensureMlflow()).bin, 'uv'), join(bin, 'uv'));
    },
    async [Symbol.asyncDispose]() {
      await rm(base, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function pathWithoutUv(): Promise<string> {
  const kept: string[] = [];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if ((await findExecutable('uv', { PATH: folder })) === undefined) kept.push(folder);
  }
  return kept.join(delimiter);
}

/** Runs a shell line in the environment and returns its stdout, without the last newline. */
export async function runIn(
  prepared: PreparedEnvironment,
  shell: string,
  { directory, env }: Workspace,
): Promise<string> {
  const run = { trackingUri: '', artifactUri: '' };
  const launch = prepared.launch({ shell, cwd: directory, env, paths: [] }, run);
  if (launch.kind !== 'process') throw new Error(`expected a process, got ${launch.kind}`);
  const { stdout } = await execa(launch.file, launch.args, {
    cwd: launch.cwd,
    env: launch.env,
    extendEnv: false,
  });
  return stdout;
}
