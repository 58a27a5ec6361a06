import { basename, join, resolve } from 'node:path';
import type { Context } from '../../host/context.ts';
import { kindOf, readTextIfPresent, writeFileAtomically } from '../../host/files.ts';
import { makeFolder, removeFolder } from '../../host/folders.ts';
import { type Git, openGit } from '../../host/git.ts';
import { makeTemporaryFolder } from '../../host/temporary-folder.ts';
import { type Checkout, completeCheckout, withoutLfs } from './checkout.ts';
import { explainGitFailure } from './git-failure.ts';
import { checkOutRemote } from './mirror.ts';
import { type FirstRemote, openGitIn, readFirstRemote } from './repository.ts';
import { unknownVersion } from './version.ts';

interface LocalRevision {
  readonly commit: string;
  readonly branch: string | undefined;
}

/** A repository of the user's own: read, never written to. */
export interface LocalRepository {
  /** The top of its working tree. */
  readonly top: string;
  readonly git: Git;
  readonly remote: FirstRemote | undefined;
}

export async function openLocalRepository(top: string, context: Context): Promise<LocalRepository> {
  const git = await openGitIn(top, context);
  return { top, git, remote: await readFirstRemote(git) };
}

/**
 * Checks out `version` of a repository without touching its working tree: into a repository of its own
 * that borrows the objects. Nothing is written to the user's repository, neither a worktree's entry nor a
 * submodule's URL.
 *
 * A version that is not there is looked for in the first remote, as MLflow does
 * (`_fetch_git_repo` in `mlflow/projects/utils.py`, which switches the user's own files).
 *
 * @throws NotFound for a version that neither has.
 */
export async function checkOutLocal(
  repository: LocalRepository,
  version: string,
  context: Context,
): Promise<Checkout> {
  const { top, git, remote } = repository;
  const revision = await resolveVersion(git, version, remote);
  if (revision !== undefined) return checkOut(repository, revision, context);
  if (remote === undefined) throw unknownVersion(version, top, await listNames(git));
  context.terminal.note(`${top} has no \`${version}\`: looking in its remote ${remote.name}`);
  return checkOutRemote(resolveRemoteUrl(remote.url, top), version, context);
}

/** A branch before a tag, as `git checkout` has it, and a remote's branch after all that is here. */
async function resolveVersion(
  git: Git,
  version: string,
  remote: FirstRemote | undefined,
): Promise<LocalRevision | undefined> {
  const candidates = [
    { name: `refs/heads/${version}`, branch: version },
    { name: version, branch: undefined },
    ...(remote ? [{ name: `refs/remotes/${remote.name}/${version}`, branch: version }] : []),
  ];
  for (const { name, branch } of candidates) {
    const found = await git.run(
      ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`],
      { accept: [1] },
    );
    if (found !== '') return { commit: found.trim(), branch };
  }
  return undefined;
}

async function listNames(git: Git): Promise<readonly string[]> {
  const refs = await git.run(['for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/tags']);
  return [...refs.matchAll(/^refs\/(?:heads|tags)\/(.+)$/gm)].map(([, name]) => `${name}`);
}

async function checkOut(
  repository: LocalRepository,
  { commit, branch }: LocalRevision,
  context: Context,
): Promise<Checkout> {
  const { env, interrupts } = context;
  const parent = await makeTemporaryFolder('mlts-', env);
  const directory = join(parent, basename(repository.top) || 'project');
  const dispose = (): Promise<void> => removeFolder(parent);
  try {
    await makeFolder(directory);
    const options = { directory, signal: interrupts.signal, mayPrompt: false };
    const git = await openGit({ ...options, env: withoutLfs(env) });
    await borrowObjects(repository, git, { directory, commit });
    await git.run(['checkout', '--detach', commit]);
    await completeCheckout(directory, env, context);
    return { directory, commit, branch, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw explainGitFailure(error, `checking out ${commit}`);
  }
}

/** Makes a repository that has no objects of its own; its remote is the one of the user's repository. */
async function borrowObjects(
  { top, git: source, remote }: LocalRepository,
  git: Git,
  { directory, commit }: { readonly directory: string; readonly commit: string },
): Promise<void> {
  const format = commit.length === 64 ? 'sha256' : 'sha1';
  await git.run(['init', `--object-format=${format}`]);
  const paths = ['objects', 'shallow', 'lfs'].flatMap((name) => ['--git-path', name]);
  const answer = await source.run(['rev-parse', '--path-format=absolute', ...paths]);
  const [objects = '', shallow = '', lfs = ''] = answer.split('\n');
  const own = join(directory, '.git');
  await makeFolder(join(own, 'objects', 'info'));
  await writeFileAtomically(join(own, 'objects', 'info', 'alternates'), `${objects}\n`);
  const cutOffs = await readTextIfPresent(shallow);
  if (cutOffs !== undefined) await writeFileAtomically(join(own, 'shallow'), cutOffs);
  if ((await kindOf(lfs)) === 'directory') await git.run(['config', '--', 'lfs.storage', lfs]);
  await copyRemote(git, top, remote);
}

/** Submodules with relative URLs and missing objects of a partial clone come from the real remote. */
async function copyRemote(git: Git, top: string, remote: FirstRemote | undefined): Promise<void> {
  const url = remote === undefined ? top : resolveRemoteUrl(remote.url, top);
  await git.run(['config', '--', 'remote.origin.url', url]);
  for (const key of ['promisor', 'partialclonefilter']) {
    const value = remote?.settings.get(key);
    if (value !== undefined) await git.run(['config', '--', `remote.origin.${key}`, value]);
  }
}

/** A remote may be a path relative to the repository. */
function resolveRemoteUrl(url: string, top: string): string {
  return /^\.{1,2}(\/|$)/.test(url) ? resolve(top, url) : url;
}
