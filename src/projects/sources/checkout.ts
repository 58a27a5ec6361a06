import { join } from 'node:path';
import type { Env } from '../../core/environment-variables.ts';
import type { Context } from '../../host/context.ts';
import { kindOf } from '../../host/files.ts';
import { type Git, openGit } from '../../host/git.ts';
import { explainGitFailure } from './git-failure.ts';

/** A revision checked out into a folder of its own, which disposing of it removes. */
export interface Checkout extends AsyncDisposable {
  readonly directory: string;
  readonly commit: string;
  /** Set where the version named a branch. */
  readonly branch: string | undefined;
}

/** Checking out leaves Git LFS's pointers as they are: their content is fetched afterwards, in one go. */
export function withoutLfs(env: Env): Env {
  return { ...env, GIT_LFS_SKIP_SMUDGE: '1' };
}

/** Fetches what a plain checkout leaves out: submodules, theirs too, and the content of Git LFS. */
export async function completeCheckout(
  directory: string,
  env: Env,
  context: Context,
): Promise<void> {
  const { interrupts, terminal } = context;
  const { signal } = interrupts;
  const git = await openGit({ directory, env, signal, mayPrompt: terminal.isInteractive });
  if ((await kindOf(join(directory, '.gitmodules'))) === 'file') {
    await fetchSubmodules(git, context);
  }
  if (await usesLfs(git)) await fetchLfs(git, context);
}

async function fetchSubmodules(git: Git, { terminal }: Context): Promise<void> {
  terminal.note('fetching submodules');
  try {
    await git.run(['submodule', 'update', '--init', '--recursive']);
  } catch (error) {
    throw explainGitFailure(error, 'fetching the submodules');
  }
}

async function usesLfs(git: Git): Promise<boolean> {
  const files = [':(glob)**/.gitattributes'];
  const found = await git.run(['grep', '--files-with-matches', 'filter=lfs', '--', ...files], {
    accept: [1],
  });
  return found !== '';
}

/** What `git lfs install` would write into the user's configuration; without it only pointers come. */
const LFS_FILTER = [
  'clean=git-lfs clean -- %f',
  'smudge=git-lfs smudge -- %f',
  'process=git-lfs filter-process',
  'required=true',
].flatMap((setting) => ['-c', `filter.lfs.${setting}`]);

async function fetchLfs(git: Git, { terminal }: Context): Promise<void> {
  if (!(await hasLfs(git))) {
    terminal.warn(
      'the project keeps files in Git LFS, which is not installed: they are pointers, not data',
      'install git-lfs',
    );
    return;
  }
  try {
    await git.run([...LFS_FILTER, 'lfs', 'pull']);
  } catch (error) {
    throw explainGitFailure(error, 'fetching files from Git LFS');
  }
}

async function hasLfs(git: Git): Promise<boolean> {
  return (await git.run(['lfs', 'version'], { accept: [1] })) !== '';
}
