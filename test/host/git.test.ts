import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvalidInput, ToolError } from '../../src/core/errors.ts';
import { type Git, type GitOptions, openGit } from '../../src/host/git.ts';
import { Interrupted } from '../../src/host/interrupts.ts';
import { createGitWorld, type GitWorld } from '../setup/git.ts';

let world: GitWorld;

beforeAll(async () => {
  world = await createGitWorld();
});

afterAll(() => world.remove());

function open(changes: Partial<GitOptions> = {}): Promise<Git> {
  const signal = new AbortController().signal;
  return openGit({ directory: world.root, env: world.env, signal, mayPrompt: false, ...changes });
}

/** Has git run a shell command: what a helper or an ssh that git starts would see. */
const shell = (git: Git, command: string) =>
  git.run(['-c', `alias.outside=!${command}`, 'outside']);

describe('git', () => {
  it('returns what git prints', async () => {
    expect(await (await open()).run(['--version'])).toMatch(/^git version/);
  });

  it('fails with what git says, passwords masked and progress left out', async () => {
    const git = await open();
    const words = 'fatal: no https://user:secret@host';
    const failing = shell(
      git,
      `printf 'Receiving objects: 5%% (1/20)\\r${words}' >&2; exit 128; #`,
    );
    await expect(failing).rejects.toMatchObject({
      name: 'ToolError',
      message: 'fatal: no https://user:****@host',
    });
  });

  it('fails when git fails without a word, except with the codes that are accepted', async () => {
    const git = await open();
    await expect(git.run(['config', 'no.such-key'])).rejects.toBeInstanceOf(ToolError);
    expect(await git.run(['config', 'no.such-key'], { accept: [1] })).toBe('');
  });

  it("passes the user's environment on, and nothing about another repository", async () => {
    const env = {
      ...world.env,
      GIT_SSH_COMMAND: 'ssh -v',
      GIT_ASKPASS: '/bin/false',
      SSH_AUTH_SOCK: '/agent',
      EDITOR: 'vi',
      GIT_DIR: '/elsewhere',
      GIT_INDEX_FILE: '/elsewhere/index',
    };
    const seen = await shell(await open({ env }), 'env');
    expect(seen).toMatch(/^GIT_SSH_COMMAND=ssh -v$/m);
    expect(seen).toMatch(/^GIT_ASKPASS=\/bin\/false$/m);
    expect(seen).toMatch(/^SSH_AUTH_SOCK=\/agent$/m);
    expect(seen).toMatch(/^EDITOR=vi$/m);
    expect(seen).not.toContain('elsewhere');
  });

  it('asks nobody where nobody can answer', async () => {
    expect(await shell(await open(), 'env')).toMatch(/^GIT_TERMINAL_PROMPT=0$/m);
    expect(await shell(await open({ mayPrompt: true }), 'env')).not.toMatch(/GIT_TERMINAL_PROMPT/);
  });

  it('says so where git is missing', async () => {
    const git = await open({ env: { ...world.env, PATH: '/nowhere' } });
    const error = await git.run(['--version']).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidInput);
    expect(String(error)).toContain('`git` was not found on PATH');
  });

  it('ends git when it is interrupted, and then starts none', async () => {
    const controller = new AbortController();
    const git = await open({ signal: controller.signal });
    const running = shell(git, 'sleep 100');
    setTimeout(() => controller.abort(new Interrupted('SIGTERM')), 200);
    await expect(running).rejects.toBeInstanceOf(Interrupted);
    await expect(git.run(['--version'])).rejects.toBeInstanceOf(Interrupted);
  });
});
