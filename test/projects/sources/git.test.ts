import { readdirSync, watch } from 'node:fs';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ToolError } from '../../../src/core/errors.ts';
import { listNames } from '../../../src/host/folders.ts';
import { Interrupted } from '../../../src/host/interrupts.ts';
import { fetchProjectSource } from '../../../src/projects/sources/fetch.ts';
import { createTestContext } from '../../setup/context.ts';
import { createGitWorld, ensureGitLfs, type GitWorld } from '../../setup/git.ts';
import { type GitServer, startGitServer } from '../../setup/git-server.ts';
import { askPython } from '../../setup/mlflow.ts';

let world: GitWorld;
let url: string;
let first: string;
let second: string;

const openContext = (env = {}) =>
  createTestContext({ cwd: world.root, env: { ...world.env, ...env } });
const open = (uri: string, version?: string, env = {}) =>
  fetchProjectSource(uri, { version }, openContext(env));
const read = (directory: string, name = 'MLproject') => readFile(join(directory, name), 'utf8');
const sourceOf = (path: string) => new URL(`../../../${path}`, import.meta.url).href;
const mirrors = async () =>
  (await listNames(join(world.root, 'cache', 'git'))).filter((name) => !name.endsWith('.lock'));
const leftovers = () => listNames(join(world.root, 'tmp'));

beforeAll(async () => {
  world = await createGitWorld();
  const { root, git, commit } = world;
  url = `file://${root}/bare.git`;
  first = await commit('repo', { MLproject: 'name: one\n', 'sub/MLproject': 'name: sub\n' });
  await git('repo', 'branch', 'feature/old');
  await git('repo', 'tag', '--annotate', '--message', 'm', 'v1');
  await git('repo', 'tag', 'both');
  second = await commit('repo', { MLproject: 'name: two\n' });
  await git('repo', 'branch', 'both');
  await git('.', 'clone', '--quiet', '--bare', 'repo', 'bare.git');
});

afterAll(() => world.remove());

describe('a remote repository', () => {
  it('is checked out at its default branch, whatever that is called', async () => {
    await using source = await open(url);
    expect(source).toMatchObject({ name: url, commit: second, isDirty: false, repositoryUrl: url });
    expect([source.branch, await read(source.directory)]).toEqual([undefined, 'name: two\n']);
    expect(source.directory).toMatch(/\/bare$/);
  });

  it.each([
    ['trunk', 'second', 'trunk'],
    ['feature/old', 'first', 'feature/old'],
    ['v1', 'first', undefined],
    ['both', 'first', undefined],
    ['refs/heads/feature/old', 'first', undefined],
  ])('is checked out at `%s`', async (version, which, branch) => {
    await using source = await open(url, version);
    expect(source).toMatchObject({ commit: which === 'first' ? first : second, branch });
    expect(await read(source.directory)).toBe(which === 'first' ? 'name: one\n' : 'name: two\n');
  });

  it.each([40, 8])(
    'is checked out at a commit given by %i digits, known before or not',
    async (digits) => {
      const env = { MLTS_CACHE_DIR: join(world.root, `cache-${digits}`) };
      for (const version of [first, second, first]) {
        await using source = await open(url, version.slice(0, digits), env);
        expect(source.commit).toBe(version);
        expect(source.branch).toBeUndefined();
      }
    },
  );

  it('gives up any commit of its history, also where the server hands out only branches', async () => {
    await world.commit('history', { a: '1' });
    const middle = await world.commit('history', { a: '2' });
    await world.commit('history', { a: '3' });
    const oldProtocol = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'protocol.version',
      GIT_CONFIG_VALUE_0: '0',
    };
    await using source = await open(`git+file://${world.root}/history`, middle, oldProtocol);
    expect([source.commit, await read(source.directory, 'a')]).toEqual([middle, '2']);
  });

  it('may be a bare folder, and may have a subdirectory', async () => {
    await using source = await open('bare.git#sub', 'v1');
    expect(await read(source.directory)).toBe('name: sub\n');
    expect(source.name).toBe(`${url}#sub`);
  });

  it('is fetched one commit deep, and what is new is fetched the next time', async () => {
    const env = { MLTS_CACHE_DIR: join(world.root, 'cache-deep') };
    await using before = await open(url, undefined, env);
    const folder = before.directory.slice(world.root.length + 1);
    expect(await world.git(folder, 'rev-list', '--count', 'HEAD')).toBe('1');
    await world.git('.', 'clone', '--quiet', 'bare.git', 'pusher');
    const third = await world.commit('pusher', { new: '' });
    await world.git('pusher', 'push', '--quiet', 'origin', 'HEAD:later');
    await using after = await open(url, 'later', env);
    expect([before.commit, after.commit]).toEqual([second, third]);
  });

  it.each([
    ['release', /has no branch, tag or commit `release`/, /both, feature\/old, .*trunk, v1/],
    ['trnk', /has no branch/, /did you mean `trunk`\?/],
    ['trunk~1', /has no branch/, /did you mean/],
    ['abcdef12', /has no branch/, /name one of these/],
  ])('says what it has instead of `%s`', async (version, message, hint) => {
    await expect(open(url, version)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  it('has the facts that MLflow records', async () => {
    const script = `
import json, sys
from mlflow.projects import utils
from mlflow.utils.git_utils import get_git_commit, get_git_repo_url
uri, versions = sys.argv[1], sys.argv[2:]
facts = []
for version in versions:
    work_dir = utils._fetch_project(uri, version)
    branch = version if utils._is_valid_branch_name(work_dir, version) else None
    facts.append([get_git_commit(work_dir), get_git_repo_url(work_dir), branch])
print(json.dumps(facts))
`;
    const server = await startGitServer(world.root, { user: 'u', password: 'p' });
    const uri = `${server.origin.replace('//', '//u:p@')}/bare.git#sub`;
    try {
      const versions = ['trunk', 'v1', 'both', first];
      const env = { ...world.env, TMPDIR: join(world.root, 'home') };
      const facts = [];
      for (const version of versions) {
        await using source = await open(uri, version);
        facts.push([source.commit, source.repositoryUrl, source.branch ?? null]);
        // Here MLflow would record the password.
        expect(source.name).toBe(`${server.origin}/bare.git#sub`);
      }
      expect(facts).toEqual(await askPython(script, [uri, ...versions], { env }));
    } finally {
      await server.stop();
    }
  });

  it('leaves nothing but the mirror', async () => {
    await (await open(url))[Symbol.asyncDispose]();
    expect(await leftovers()).toEqual([]);
    for (const name of await mirrors()) {
      expect(await world.git(`cache/git/${name}`, 'worktree', 'list')).not.toContain('\n');
    }
  });

  it('leaves nothing where the subdirectory is missing', async () => {
    await expect(open(`${url}#nope`)).rejects.toMatchObject({ hint: 'its folders are sub' });
    expect(await leftovers()).toEqual([]);
  });

  it.each([
    ['file:///nowhere/x.git', /no project at/, /name a folder/],
    [
      'git+file:///nowhere/x.git',
      /does not appear to be a git repository|not found/,
      /check the URL/,
    ],
    ['https://nowhere.invalid/x', /Could not resolve host: nowhere.invalid/, /host name/],
    ['s3://bucket/x', /'remote-s3' is not a git command/, /https:/],
  ])('that cannot be had is told: `%s`', async (uri, message, hint) => {
    await expect(open(uri)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect((await mirrors()).filter((name) => name.endsWith('.new'))).toEqual([]);
  });
});

describe('runs at the same time', () => {
  it('share one mirror, at one version and at several', async () => {
    const env = { MLTS_CACHE_DIR: join(world.root, 'cache-many') };
    const versions = [undefined, undefined, 'v1', 'feature/old', first.slice(0, 8), second];
    const sources = await Promise.all(versions.map((version) => open(url, version, env)));
    expect(sources.map(({ commit }) => commit)).toEqual([
      second,
      second,
      first,
      first,
      first,
      second,
    ]);
    expect(new Set(sources.map(({ directory }) => directory)).size).toBe(versions.length);
    await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()));
    expect(await leftovers()).toEqual([]);
  });

  it('share it between processes', async () => {
    const script = `
      import { fetchProjectSource } from '${sourceOf('src/projects/sources/fetch.ts')}';
      import { createContext } from '${sourceOf('src/host/process-context.ts')}';
      await using source = await fetchProjectSource('${url}', { version: 'v1' }, createContext(process));
      console.log(source.commit);`;
    const env = { ...world.env, MLTS_CACHE_DIR: join(world.root, 'cache-processes') };
    const run = () =>
      execa(process.execPath, ['--input-type=module', '--eval', script], { env, extendEnv: false });
    const outputs = await Promise.all([run(), run(), run()]);
    expect(outputs.map(({ stdout }) => stdout)).toEqual([first, first, first]);
    expect(await leftovers()).toEqual([]);
  });
});

describe('a broken mirror', () => {
  const breaks: readonly (readonly [string, (mirror: string) => Promise<void>])[] = [
    ['without HEAD', (mirror) => rm(join(mirror, 'HEAD'))],
    ['with an unreadable configuration', (mirror) => writeFile(join(mirror, 'config'), '[broken')],
    ['without objects', (mirror) => rm(join(mirror, 'objects'), { recursive: true })],
    [
      'with packs and objects cut off',
      async (mirror) => {
        const objects = join(mirror, 'objects');
        const names = readdirSync(objects, { recursive: true, withFileTypes: true });
        for (const entry of names.filter((name) => name.isFile())) {
          await truncate(join(entry.parentPath, entry.name), 20);
        }
      },
    ],
  ];

  it.each(breaks)('%s is made anew', async (_name, destroy) => {
    const cache = join(world.root, 'cache-broken');
    const env = { MLTS_CACHE_DIR: cache };
    await (await open(url, 'trunk', env))[Symbol.asyncDispose]();
    const [name = ''] = (await listNames(join(cache, 'git'))).filter((n) => !n.includes('.'));
    await destroy(join(cache, 'git', name));
    await using source = await open(url, 'trunk', env);
    expect(await read(source.directory)).toBe('name: two\n');
    await using again = await open(url, 'v1', env);
    expect(again.commit).toBe(first);
  });
});

describe('a repository with more than its files', () => {
  it('has submodules, nested ones and such with relative URLs, where git may use them', async () => {
    const { root, git, commit } = world;
    await commit('inner', { leaf: 'leaf\n' });
    await commit('library', { code: 'code\n' });
    await commit('super', { MLproject: 'name: super\n' });
    const allow = ['-c', 'protocol.file.allow=always'];
    await git('library', ...allow, 'submodule', '--quiet', 'add', '../inner', 'inner');
    await commit('library', {});
    await git('super', ...allow, 'submodule', '--quiet', 'add', '../library', 'library');
    await commit('super', {});
    const trust = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'protocol.file.allow',
      GIT_CONFIG_VALUE_0: 'always',
    };
    const configuration = await git('super', 'config', '--local', '--list');
    for (const [uri, version] of [[`git+file://${root}/super`], ['super', 'trunk']] as const) {
      await using source = await open(uri, version, trust);
      expect(await read(source.directory, 'library/code')).toBe('code\n');
      expect(await read(source.directory, 'library/inner/leaf')).toBe('leaf\n');
      await expect(open(uri, version)).rejects.toMatchObject({
        message: expect.stringMatching(/submodules failed:.*transport 'file' not allowed/s),
        hint: expect.stringMatching(/protocol\.file\.allow/),
      });
    }
    expect(await git('super', 'config', '--local', '--list')).toBe(configuration);
    expect(await leftovers()).toEqual([]);
  });

  it('is given up at once, with all that git started, while a submodule hangs', async () => {
    const { root, git, commit } = world;
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/x.git`;
    const modules = `[submodule "x"]\n\tpath = x\n\turl = ${address}\n`;
    const hash = await commit('hanging', { '.gitmodules': modules });
    await git('hanging', 'update-index', '--add', '--cacheinfo', `160000,${hash},x`);
    await git('hanging', 'commit', '--quiet', '--message', 'submodule');
    const context = openContext();
    const fetching = fetchProjectSource(`git+file://${root}/hanging`, {}, context);
    const ended = expect(fetching).rejects.toBeInstanceOf(Interrupted);
    const asked = await new Promise<IncomingMessage>((resolve) => silent.once('request', resolve));
    const hungUp = new Promise((resolve) => asked.once('close', resolve));
    context.interrupt('SIGTERM');
    await Promise.all([ended, hungUp]);
    expect(await leftovers()).toEqual([]);
    silent.close();
  }, 20_000);

  it('has the content of Git LFS', async (test) => {
    const reason = await ensureGitLfs();
    if (reason !== undefined) test.skip(reason);
    const { root, git, commit } = world;
    await commit('large', { '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n' });
    await git('large', 'lfs', 'install', '--local');
    await commit('large', { 'data.bin': 'much data\n' });
    expect(await git('large', 'show', 'HEAD:data.bin')).toMatch(/^version https:\/\/git-lfs/);
    await git('.', 'init', '--quiet', '--bare', 'large.git');
    await git('large', 'remote', 'add', 'origin', `file://${root}/large.git`);
    await git('large', 'push', '--quiet', 'origin', 'trunk');
    await using remote = await open(`file://${root}/large.git`);
    expect(await read(remote.directory, 'data.bin')).toBe('much data\n');
    await git('large', 'remote', 'remove', 'origin');
    await using local = await open('large', 'trunk');
    expect(await read(local.directory, 'data.bin')).toBe('much data\n');
  });
});

describe('a repository behind a password', () => {
  let server: GitServer;
  let stalls = false;
  const secret = 'pa:ss w@rd';

  beforeAll(async () => {
    const user = 'tester';
    server = await startGitServer(world.root, { user, password: secret, stall: () => stalls });
  });

  afterAll(() => server.stop());

  it('is fetched with the credentials of the URL, which are kept nowhere', async () => {
    const password = encodeURIComponent(secret);
    const context = openContext();
    const uri = `${server.origin.replace('//', `//tester:${password}@`)}/bare.git#sub`;
    await using source = await fetchProjectSource(uri, {}, context);
    expect(source).toMatchObject({
      name: `${server.origin}/bare.git#sub`,
      repositoryUrl: `${server.origin}/bare.git`,
      commit: second,
    });
    const { stdout } = await execa('grep', ['-rlE', `${password}|${secret}`, world.root], {
      reject: false,
    });
    expect([stdout, context.said.stderr]).toEqual(['', expect.not.stringContaining(password)]);
  });

  it("is fetched with the user's own credential helper", async () => {
    const store = join(world.root, 'home', '.git-credentials');
    await writeFile(
      store,
      `${server.origin.replace('//', `//tester:${encodeURIComponent(secret)}@`)}\n`,
    );
    const helper = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'credential.helper',
      GIT_CONFIG_VALUE_0: 'store',
    };
    await using source = await open(`${server.origin}/bare.git`, 'v1', helper);
    expect(source.commit).toBe(first);
    await rm(store);
  });

  it('is refused without them, at once and with a hint', async () => {
    await expect(open(`${server.origin}/bare.git`)).rejects.toMatchObject({
      message: expect.stringMatching(/could not read Username|Authentication failed/),
      hint: expect.stringMatching(/credential/),
    });
    const wrong = `${server.origin.replace('//', '//tester:wrong-password@')}/bare.git`;
    const error = await open(wrong).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ToolError);
    expect(String((error as ToolError).message)).toMatch(/Authentication failed/);
    expect(JSON.stringify(error) + String(error)).not.toContain('wrong-password');
  });

  it('leaves neither mirror nor worktree when it is interrupted', async () => {
    stalls = true;
    const cache = join(world.root, 'cache-interrupted');
    const context = openContext({ MLTS_CACHE_DIR: cache });
    const uri = `${server.origin.replace('//', `//tester:${encodeURIComponent(secret)}@`)}/bare.git`;
    const fetching = fetchProjectSource(uri, { version: 'trunk' }, context);
    const ended = expect(fetching).rejects.toBeInstanceOf(Interrupted);
    const before = server.requests.length;
    while (!server.requests.slice(before).some((line) => line.startsWith('POST'))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    context.interrupt('SIGTERM');
    await ended;
    stalls = false;
    expect((await listNames(join(cache, 'git'))).filter((name) => !name.endsWith('.lock'))).toEqual(
      [],
    );
    expect(await leftovers()).toEqual([]);
    await using source = await open(uri, 'trunk', { MLTS_CACHE_DIR: cache });
    expect(source.commit).toBe(second);
  });

  it('removes a worktree whose checkout is interrupted', async () => {
    const context = openContext();
    const temporary = join(world.root, 'tmp');
    const watcher = watch(temporary, () => context.interrupt());
    try {
      await expect(fetchProjectSource(url, {}, context)).rejects.toBeInstanceOf(Interrupted);
    } finally {
      watcher.close();
    }
    expect(await leftovers()).toEqual([]);
  });
});
