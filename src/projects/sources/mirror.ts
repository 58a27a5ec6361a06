import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { ToolError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { cacheDirectory, kindOf, readTextIfPresent, withLock } from '../../host/files.ts';
import { makeFolder, moveFolder, removeFolder } from '../../host/folders.ts';
import { type Git, openGit } from '../../host/git.ts';
import { makeTemporaryFolder } from '../../host/temporary-folder.ts';
import { type Checkout, completeCheckout, withoutLfs } from './checkout.ts';
import { addCredentials, type Remote, splitCredentials } from './credentials.ts';
import { explainGitFailure, hintFor, isMissingRef } from './git-failure.ts';
import { type OnProgress, showTransfer } from './transfer.ts';
import { isFetchable, isWholeCommit, looksLikeCommit, unknownVersion } from './version.ts';

interface Revision {
  readonly commit: string;
  readonly branch: string | undefined;
}

/** One remote repository and the bare mirror in which we keep what was fetched of it. */
interface Mirror {
  readonly remote: Remote;
  readonly path: string;
  open(directory: string): Promise<Git>;
}

/**
 * Fetches `version` (absent: the remote's default branch) and checks it out into a worktree of its own.
 *
 * What was fetched stays in a bare mirror below the cache folder, one commit deep unless a shortened
 * commit was asked for. A mirror that git cannot use is made anew; it takes the old one's place only
 * when it is whole, so that neither an interrupt nor a full disk leaves half a mirror.
 *
 * @throws NotFound for a version that is not there, ToolError with what git said for all else.
 */
export async function checkOutRemote(
  location: string,
  version: string | undefined,
  context: Context,
): Promise<Checkout> {
  const remote = splitCredentials(location);
  const env = addCredentials(context.env, remote);
  const key = createHash('sha256').update(remote.url).digest('hex').slice(0, 32);
  const path = join(cacheDirectory(context.env), 'git', key);
  await makeFolder(join(path, '..'), 'name another cache folder with MLTS_CACHE_DIR');
  const checkout = await showTransfer(
    `fetching ${remote.url}${version === undefined ? '' : ` at ${version}`}`,
    context.terminal,
    (onProgress) =>
      lockMirror(path, context, () =>
        checkOut(
          { remote, path, open: gitOpener(withoutLfs(env), context, onProgress) },
          version,
          context,
        ),
      ),
  );
  try {
    await completeCheckout(checkout.directory, env, context);
    return checkout;
  } catch (error) {
    await checkout[Symbol.asyncDispose]();
    throw error;
  }
}

function gitOpener(env: Context['env'], context: Context, onProgress: OnProgress): Mirror['open'] {
  const { signal } = context.interrupts;
  const mayPrompt = context.terminal.isInteractive;
  return (directory) => openGit({ directory, env, signal, mayPrompt, onProgress });
}

function lockMirror<T>(path: string, context: Context, work: () => Promise<T>): Promise<T> {
  const { interrupts, terminal } = context;
  const onWait = (): void => terminal.note('waiting for another run that fetches this repository');
  return withLock(`${path}.lock`, { signal: interrupts.signal, onWait }, work);
}

async function checkOut(
  mirror: Mirror,
  version: string | undefined,
  context: Context,
): Promise<Checkout> {
  if ((await kindOf(mirror.path)) !== undefined) {
    try {
      const revision = await fetchVersion(mirror, mirror.path, version);
      return await addWorktree(mirror, revision, context);
    } catch (error) {
      // What the network or the server did would happen again; all else may be the mirror's fault.
      if (!(error instanceof ToolError) || hintFor(error.stderr) !== undefined) throw error;
      context.terminal.note(`fetching all of it again: ${error.message}`);
    }
  }
  const revision = await makeMirror(mirror, version);
  return addWorktree(mirror, revision, context);
}

async function makeMirror(mirror: Mirror, version: string | undefined): Promise<Revision> {
  const { path, remote } = mirror;
  const unfinished = `${path}.new`; // Under the lock only one is made at a time.
  await removeFolder(unfinished);
  try {
    await makeFolder(unfinished);
    const git = await mirror.open(unfinished);
    await git.run(['init', '--bare']);
    // Nothing is fetched by this name: submodules with relative URLs are looked for beside it.
    await git.run(['config', '--', 'remote.origin.url', remote.url]);
    const revision = await fetchVersion(mirror, unfinished, version);
    await removeFolder(path);
    await moveFolder(unfinished, path);
    return revision;
  } finally {
    await removeFolder(unfinished);
  }
}

async function fetchVersion(
  mirror: Mirror,
  directory: string,
  version: string | undefined,
): Promise<Revision> {
  const { url } = mirror.remote;
  const git = await mirror.open(directory);
  try {
    if (version !== undefined && !isFetchable(version)) throw await notThere(git, url, version);
    if (version !== undefined && isWholeCommit(version)) {
      const commit = await findCommit(git, version);
      if (commit !== undefined) return { commit, branch: undefined };
    }
    return await fetchByName(git, directory, { url, version });
  } catch (error) {
    if (!isMissingRef(error)) throw explainGitFailure(error, `fetching ${url}`);
    const commit = await fetchByHistory(git, directory, { url, version });
    if (commit === undefined) throw await notThere(git, url, version);
    return { commit, branch: undefined };
  }
}

interface Wanted {
  readonly url: string;
  readonly version: string | undefined;
}

/** Lets the server find the name: a tag before a branch, as `git fetch` has it. */
async function fetchByName(git: Git, directory: string, wanted: Wanted): Promise<Revision> {
  const { url, version = 'HEAD' } = wanted;
  // A ref of our own per version keeps its newest commit from being collected as garbage.
  const ref = `refs/mlts/${createHash('sha256').update(version).digest('hex').slice(0, 32)}`;
  const depth = (await isShallow(git, directory)) ? ['--depth=1'] : [];
  await git.run(['fetch', '--progress', ...depth, '--no-tags', '--', url, `+${version}:${ref}`]);
  const commit = (await git.run(['rev-parse', '--verify', `${ref}^{commit}`])).trim();
  const said = (await readTextIfPresent(join(directory, 'FETCH_HEAD'))) ?? '';
  return { commit, branch: said.includes(`\tbranch '${version}' of `) ? version : undefined };
}

/** A mirror that holds whole histories must not be cut off again: only an empty or cut-off one is. */
async function isShallow(git: Git, directory: string): Promise<boolean> {
  if ((await kindOf(join(directory, 'shallow'))) !== undefined) return true;
  const refs = await git.run(['for-each-ref', '--count=1']);
  return refs === '';
}

/** Shortened commits, and whole ones where the server hands out only branches and tags. */
async function fetchByHistory(
  git: Git,
  directory: string,
  { url, version }: Wanted,
): Promise<string | undefined> {
  if (version === undefined || !looksLikeCommit(version)) return undefined;
  const isCutOff = (await kindOf(join(directory, 'shallow'))) !== undefined;
  const known = isCutOff ? undefined : await findCommit(git, version);
  if (known !== undefined) return known;
  const unshallow = isCutOff ? ['--unshallow'] : [];
  const refspecs = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'];
  try {
    await git.run(['fetch', '--progress', ...unshallow, '--prune', '--', url, ...refspecs]);
  } catch (error) {
    throw explainGitFailure(error, `fetching the history of ${url}`);
  }
  return findCommit(git, version);
}

async function findCommit(git: Git, version: string): Promise<string | undefined> {
  const found = await git.run(
    ['rev-parse', '--verify', '--quiet', '--end-of-options', `${version}^{commit}`],
    { accept: [1] },
  );
  return found.trim() || undefined;
}

async function notThere(git: Git, url: string, version: string | undefined): Promise<Error> {
  const refs = await git.run(['ls-remote', '--heads', '--tags', '--refs', '--', url]);
  const names = [...refs.matchAll(/\trefs\/(?:heads|tags)\/(.+)$/gm)].map(([, name]) => `${name}`);
  return unknownVersion(version, url, names);
}

async function addWorktree(
  mirror: Mirror,
  revision: Revision,
  context: Context,
): Promise<Checkout> {
  const { path, remote } = mirror;
  const parent = await makeTemporaryFolder('mlts-', context.env);
  const directory = join(parent, folderName(remote.url));
  const dispose = async (): Promise<void> => {
    await removeFolder(parent);
    await pruneWorktrees(path, context);
  };
  try {
    const git = await mirror.open(path);
    await git.run(['worktree', 'add', '--detach', directory, revision.commit]);
    return { directory, ...revision, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw explainGitFailure(error, `checking out ${revision.commit}`);
  }
}

/** Takes worktrees that are gone off the mirror's list: after an interrupt too, so until a second one. */
async function pruneWorktrees(path: string, { env, interrupts }: Context): Promise<void> {
  try {
    const options = { directory: path, env, signal: interrupts.force, mayPrompt: false };
    await (await openGit(options)).run(['worktree', 'prune', '--verbose']);
  } catch {
    // Only tidiness: the next one that is removed prunes all, and git itself does in time.
  }
}

/** The repository's name, for the folder in which the project's own code finds itself. */
function folderName(url: string): string {
  const name = basename(url.replace(/[/\\]+$/, '').replace(/^.*:/, '')).replace(/\.git$/, '');
  return name.replace(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, '') || 'project';
}
