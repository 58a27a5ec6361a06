import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listNames } from '../../../src/host/folders.ts';
import { fetchProjectSource } from '../../../src/projects/sources/fetch.ts';
import { createTestContext } from '../../setup/context.ts';
import { createGitWorld, type GitWorld } from '../../setup/git.ts';
import { askPython } from '../../setup/mlflow.ts';

let world: GitWorld;
let first: string;

const openContext = (env = {}) =>
  createTestContext({ cwd: world.root, env: { ...world.env, ...env } });
const open = (uri: string, version?: string) => fetchProjectSource(uri, { version }, openContext());

beforeAll(async () => {
  world = await createGitWorld();
  const { root, git, commit } = world;
  first = await commit('repo', {
    MLproject: 'name: one\n',
    'sub/deep/MLproject': 'name: deep\n',
    'with.dot/a': '',
    'sp ace/a': '',
  });
  await git('repo', 'branch', 'old');
  await git('repo', 'tag', '--annotate', '--message', 'm', 'v1');
  await commit('repo', { MLproject: 'name: two\n', '.gitignore': 'ignored/\n!kept/\n' });
  for (const name of ['ignored', 'kept']) await mkdir(join(root, 'repo', name));
  await git('.', 'clone', '--quiet', 'repo', 'clone');
  await git('clone', 'remote', 'rename', 'origin', 'zeta');
  await git('clone', 'remote', 'add', 'alpha', 'https://u:p@h/x.git');
  await git('.', 'clone', '--quiet', '--bare', 'repo', 'bare.git');
  await git('.', 'clone', '--quiet', 'bare.git', 'secret');
  await git('secret', 'remote', 'set-url', 'origin', 'https://u:hidden@h/x.git');
  await git('repo', 'worktree', 'add', '--quiet', '../tree');
  await mkdir(join(root, 'plain'));
  await mkdir(join(root, 'empty'));
  await git('empty', 'init', '--quiet');
  await symlink('repo', join(root, 'link'));
});

afterAll(() => world.remove());

const FACTS_SCRIPT = `
import json, sys
from mlflow.projects import utils
from mlflow.tracking._tracking_service.utils import _get_git_url_if_present
from mlflow.utils.git_utils import get_git_commit, get_git_repo_url
facts = []
for uri in json.loads(sys.argv[1]):
    work_dir = utils._fetch_project(uri)
    name = utils._expand_uri(uri)
    if utils._is_local_uri(uri):
        name = _get_git_url_if_present(name)
    facts.append([uri, work_dir, name, get_git_commit(work_dir), get_git_repo_url(work_dir)])
print(json.dumps(facts))
`;

describe('a local folder', () => {
  it('has the facts that MLflow records of it', async () => {
    const uris = [
      '.',
      'plain',
      'repo',
      'repo/',
      './plain/../repo',
      'repo/sub/deep',
      'repo/sp ace',
      'repo#sub/deep',
      'repo/ignored',
      'repo/kept',
      'clone',
      'secret',
      'empty',
      'link',
      'link/sub',
      'tree',
    ];
    const { root, env } = world;
    const expected = await askPython<unknown[]>(FACTS_SCRIPT, [JSON.stringify(uris)], {
      cwd: root,
      env,
    });
    const facts = [];
    for (const uri of uris) {
      const { directory, name, commit, repositoryUrl } = await open(uri);
      facts.push([uri, directory, name, commit ?? null, repositoryUrl ?? null]);
    }
    expect(facts).toEqual(expected);
  });

  it('is named by a file URL as by its path', async () => {
    const byUrl = await open(`file://${world.root}/repo/sp%20ace`);
    const byPath = await open('repo/sp ace');
    expect({ ...byUrl, [Symbol.asyncDispose]: 0 }).toEqual({ ...byPath, [Symbol.asyncDispose]: 0 });
  });

  it('is dirty when a tracked file differs, whatever else lies about', async () => {
    const path = join(world.root, 'clone', 'MLproject');
    await writeFile(join(world.root, 'clone', 'untracked'), '');
    expect((await open('clone')).isDirty).toBe(false);
    await writeFile(path, 'name: changed\n');
    expect((await open('clone/sub')).isDirty).toBe(true);
    await world.git('clone', 'checkout', '--', '.');
  });

  it('is not searched for git, and git not started, outside a repository', async () => {
    const context = openContext({ PATH: '' });
    const { directory } = await fetchProjectSource('plain', {}, context);
    expect([directory, context.said.stderr]).toEqual([join(world.root, 'plain'), '']);
  });

  it('runs without facts, and says so, where git is missing', async () => {
    const context = openContext({ PATH: '' });
    const { commit } = await fetchProjectSource('repo', {}, context);
    expect(commit).toBeUndefined();
    expect(context.said.stderr).toMatch(/will not be recorded: `git` was not found on PATH/);
  });

  it('is the repository that the path names, also within a git hook of another one', async () => {
    const context = openContext({ GIT_DIR: join(world.root, 'empty', '.git') });
    await using source = await fetchProjectSource('repo#sub', { version: 'v1' }, context);
    expect(source.commit).toBe(first);
  });

  it('stays when the source is disposed of', async () => {
    await (await open('repo'))[Symbol.asyncDispose]();
    expect(await listNames(join(world.root, 'repo'))).toContain('MLproject');
  });
});

describe('what is not there', () => {
  it.each([
    ['nowhere', /no project at `nowhere` \(.*\/nowhere\)/, /name a folder/],
    ['github.com/owner/name', /no project at/, /https:\/\/github.com\/owner\/name/],
    ['repo/MLproject', /is a file, not a folder/, /--entry-point/],
    ['repo#typo', /no folder `typo` in/, /its folders are ignored, kept, sp ace, sub, with.dot/],
    ['empty#typo', /no folder `typo` in/, /has no folders/],
  ])('is told for `%s`', async (uri, message, hint) => {
    await expect(open(uri)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});

describe('--version of a local folder', () => {
  const read = (directory: string) => readFile(join(directory, 'MLproject'), 'utf8');

  it.each([
    ['old', 'old'],
    ['v1', undefined],
    ['HEAD~1', undefined],
  ])('checks `%s` out elsewhere', async (version, branch) => {
    await using source = await open('repo', version);
    expect(source).toMatchObject({ commit: first, branch, isDirty: false });
    expect(source.name).toBe(`file://${world.root}/repo`);
    expect(await read(source.directory)).toBe('name: one\n');
  });

  it('takes whole and short commits', async () => {
    for (const version of [first, first.slice(0, 7)]) {
      await using source = await open('repo', version);
      expect(source.commit).toBe(first);
    }
  });

  it('keeps the subfolder that was named', async () => {
    for (const uri of ['repo/sub/deep', 'repo/sub#deep']) {
      await using source = await open(uri, 'v1');
      expect(source.directory).toMatch(/\/repo\/sub\/deep$/);
      expect(await read(source.directory)).toBe('name: deep\n');
    }
  });

  it("leaves the user's repository as it is, uncommitted changes too", async () => {
    const { root, git } = world;
    await writeFile(join(root, 'repo', 'MLproject'), 'name: uncommitted\n');
    const look = async () => [
      await git('repo', 'status', '--porcelain', '--branch', '--ignored'),
      await git('repo', 'for-each-ref'),
      await git('repo', 'worktree', 'list'),
      await git('repo', 'config', '--local', '--list'),
      await readFile(join(root, 'repo', 'MLproject'), 'utf8'),
    ];
    const before = await look();
    await using source = await open('repo', 'old');
    expect(await read(source.directory)).toBe('name: one\n');
    expect(await look()).toEqual(before);
    await git('repo', 'checkout', '--', '.');
  });

  it('shows the project a repository with the right commit and remote', async () => {
    await using source = await open('clone', 'trunk~1');
    const folder = source.directory.slice(world.root.length + 1);
    expect(await world.git(folder, 'rev-parse', 'HEAD')).toBe(first);
    expect(await world.git(folder, 'remote', 'get-url', 'origin')).toBe(join(world.root, 'repo'));
  });

  it('finds a branch that only the remote has, fetched or not', async () => {
    await using fetched = await open('clone', 'old');
    expect(fetched).toMatchObject({ commit: first, branch: 'old' });
    await world.git('repo', 'branch', 'late', 'v1');
    await using late = await open('clone/sub', 'late');
    expect(late).toMatchObject({ commit: first, branch: 'late' });
    expect(late.name).toBe(`file://${world.root}/clone#sub`);
    expect(late.directory).toMatch(/\/sub$/);
  });

  it('works in a clone that is itself shallow', async () => {
    const { root, git } = world;
    await git('.', 'clone', '--quiet', '--depth=1', `file://${root}/repo`, 'shallow');
    await using source = await open('shallow', 'trunk');
    expect(await read(source.directory)).toBe('name: two\n');
  });

  it('removes the checkout', async () => {
    const source = await open('repo', 'old');
    await source[Symbol.asyncDispose]();
    expect(await listNames(join(world.root, 'tmp'))).toEqual([]);
  });

  it.each([
    ['plain', 'v1', /has no versions/, /leave --version out/],
    [
      'repo',
      'release',
      /no branch, tag or commit `release`/,
      /name one of these with --version: late, old, tree, trunk, v1/,
    ],
    ['repo', 'truk', /no branch, tag or commit `truk`/, /did you mean `trunk`\?/],
    ['repo', '--upload-pack=x', /cannot be the version/, /give a branch/],
    ['repo', '', /cannot be the version/, /give a branch/],
    ['empty', 'trunk', /no branch, tag or commit/, /no branches and no tags/],
  ])('refuses `%s` at `%s`', async (uri, version, message, hint) => {
    await expect(open(uri, version)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  it('refuses a subfolder that is a link out of the repository', async () => {
    await symlink('/etc', join(world.root, 'repo', 'out'));
    await world.commit('repo', {});
    await expect(open('repo#out', 'trunk')).rejects.toThrow(/is a link that leaves it/);
    await rm(join(world.root, 'repo', 'out'));
  });
});
