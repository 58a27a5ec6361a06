import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { once } from './cache.ts';
import { installMissing } from './debian.ts';

/** A place of its own for one test file: repositories, the cache of mirrors, temporary folders, HOME. */
export interface GitWorld {
  readonly root: string;
  /** For contexts and for `git`: nothing of this machine's configuration but what `.gitconfig` says. */
  readonly env: Record<string, string>;
  /** Runs git below the root and returns its output, trimmed. */
  git(folder: string, ...args: string[]): Promise<string>;
  /** Writes files and commits them; makes the repository (branch `trunk`) first. Returns the commit. */
  commit(folder: string, files: Record<string, string>): Promise<string>;
  remove(): Promise<void>;
}

export async function createGitWorld(): Promise<GitWorld> {
  const root = await mkdtemp(join(tmpdir(), 'mlts-test-git-'));
  for (const name of ['tmp', 'home', 'cache']) await mkdir(join(root, name));
  const env = {
    ...gitFreeEnv(),
    HOME: join(root, 'home'),
    TMPDIR: join(root, 'tmp'),
    MLTS_CACHE_DIR: join(root, 'cache'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: join(root, 'home', '.gitconfig'),
  };
  await writeFile(
    env.GIT_CONFIG_GLOBAL,
    '[user]\nname = A\nemail = a@example.com\n[init]\ndefaultBranch = trunk\n',
  );
  const git = async (folder: string, ...args: string[]): Promise<string> => {
    const cwd = join(root, folder);
    const { stdout } = await execa('git', args, { cwd, env, extendEnv: false });
    return stdout;
  };
  return {
    root,
    env,
    git,
    async commit(folder, files) {
      const top = join(root, folder);
      if (!existsSync(join(top, '.git'))) {
        await mkdir(top, { recursive: true });
        await git(folder, 'init', '--quiet');
      }
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(top, name)), { recursive: true });
        await writeFile(join(top, name), text);
      }
      await git(folder, 'add', '--all', '--force');
      await git(folder, 'commit', '--quiet', '--allow-empty', '--message', 'change');
      return git(folder, 'rev-parse', 'HEAD');
    },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  };
}

function gitFreeEnv(): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !/^(GIT_|MLTS_|MLFLOW_)/.test(name));
  return Object.fromEntries(own) as Record<string, string>;
}

/** Installs Git LFS where it is missing. Returns why not, where that cannot be. */
export function ensureGitLfs(): Promise<string | undefined> {
  return once('git-lfs', async () => {
    if (await runs('git', ['lfs', 'version'])) return undefined;
    if (process.getuid?.() !== 0) return 'git-lfs is not installed, and only root can install it';
    await installMissing({ 'git-lfs': 'git-lfs' }).catch(() => {});
    return (await runs('git', ['lfs', 'version'])) ? undefined : 'git-lfs could not be installed';
  });
}

async function runs(file: string, args: readonly string[]): Promise<boolean> {
  return (await execa(file, args, { reject: false })).exitCode === 0;
}
