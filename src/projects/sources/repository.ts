import { dirname, join, relative } from 'node:path';
import { MltsError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { kindOf } from '../../host/files.ts';
import { type Git, openGit } from '../../host/git.ts';
import { hintFor } from './git-failure.ts';
import { stripUserInfo } from './uri.ts';

export interface RepositoryFacts {
  readonly commit: string | undefined;
  readonly repositoryUrl: string | undefined;
  readonly isDirty: boolean;
}

export const NO_FACTS: RepositoryFacts = {
  commit: undefined,
  repositoryUrl: undefined,
  isDirty: false,
};

/**
 * The top of the working tree that holds `directory`, found without starting git. Links in the path
 * are not followed, as GitPython, and so MLflow, does not follow them.
 */
export async function findWorkingTree(directory: string): Promise<string | undefined> {
  for (let folder = directory; ; folder = dirname(folder)) {
    const dotGit = join(folder, '.git');
    const kind = await kindOf(dotGit);
    // A submodule and a worktree have a file there, which names the real folder.
    if (kind === 'file') return folder;
    if (kind === 'directory' && (await kindOf(join(dotGit, 'HEAD'))) === 'file') return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** True for a folder that is itself what `.git` is elsewhere. */
export async function isBareRepository(directory: string): Promise<boolean> {
  const kinds = await Promise.all(
    ['HEAD', 'objects', 'refs', '.git'].map((name) => kindOf(join(directory, name))),
  );
  return kinds.join() === 'file,directory,directory,';
}

/**
 * Commit, first remote and state of the working tree, by two git processes, and a third one for a
 * folder below the top: an ignored folder belongs to no commit. What git cannot tell is told to the
 * user and left out, for a run needs none of it.
 */
export async function readRepositoryFacts(
  top: string,
  directory: string,
  context: Context,
): Promise<RepositoryFacts> {
  try {
    const git = await openGitIn(top, context);
    const [status, remote, isIgnored] = await Promise.all([
      readStatus(git),
      readFirstRemote(git),
      directory === top ? false : isIgnoredFolder(git, relative(top, directory)),
    ]);
    return {
      commit: isIgnored ? undefined : status.commit,
      repositoryUrl: remote === undefined ? undefined : stripUserInfo(remote.url),
      isDirty: !isIgnored && status.isDirty,
    };
  } catch (error) {
    if (!(error instanceof MltsError)) throw error;
    context.terminal.warn(
      `the commit of ${top} will not be recorded: ${error.message}`,
      error.hint ?? hintFor(error.message),
    );
    return NO_FACTS;
  }
}

/** git in a folder of the user's, which never has to ask anything. */
export function openGitIn(directory: string, { env, interrupts }: Context): Promise<Git> {
  return openGit({ directory, env, signal: interrupts.signal, mayPrompt: false });
}

async function readStatus(git: Git): Promise<{ commit: string | undefined; isDirty: boolean }> {
  // Untracked files do not count: each run leaves some (mlruns, mlflow.db).
  const options = ['--branch', '--no-ahead-behind', '--untracked-files=no'];
  const text = await git.run(['status', '--porcelain=v2', ...options, '--ignore-submodules=dirty']);
  const lines = text.split('\n').filter((line) => line !== '');
  return {
    commit: /^# branch\.oid ([0-9a-f]+)$/m.exec(text)?.[1],
    isDirty: lines.some((line) => !line.startsWith('#')),
  };
}

export interface FirstRemote {
  readonly name: string;
  readonly url: string;
  /** All `remote.<name>.*` settings, by what follows the name. */
  readonly settings: ReadonlyMap<string, string>;
}

/** The remote that stands first in the repository's own configuration, as MLflow takes it. */
export async function readFirstRemote(git: Git): Promise<FirstRemote | undefined> {
  const text = await git.run(['config', '--local', '--includes', '--null', '--list']);
  let first: string | undefined;
  const settings = new Map<string, string>();
  for (const entry of text.split('\0')) {
    const [, name, key, value = ''] = /^remote\.([^\n]+)\.([^.\n]+)(?:\n(.*))?$/s.exec(entry) ?? [];
    if (name === undefined || key === undefined) continue;
    first ??= name;
    if (name === first) settings.set(key, value);
  }
  const url = settings.get('url');
  return first === undefined || url === undefined ? undefined : { name: first, url, settings };
}

async function isIgnoredFolder(git: Git, folder: string): Promise<boolean> {
  // `--non-matching` makes it answer in every case: simple-git waits a while for what says nothing.
  const options = ['--verbose', '--non-matching'];
  const answer = await git.run(['check-ignore', ...options, '--', folder], { accept: [1] });
  const pattern = /^.*?:\d*:([^\t]*)\t/.exec(answer)?.[1] ?? '';
  return pattern !== '' && !pattern.startsWith('!');
}

/**
 * MLflow's name for a folder (`_get_git_url_if_present` in
 * `mlflow/tracking/_tracking_service/utils.py`): `file://<top>#<folder>` within a repository, else the path.
 */
export function nameLocalSource(path: string, top: string | undefined): string {
  if (top === undefined) return path;
  const below = relative(top, path);
  return below === '' ? `file://${top}` : `file://${top}#${below}`;
}
