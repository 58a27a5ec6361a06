import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchProjectSource } from '../../../src/projects/sources/fetch.ts';
import { createTestContext } from '../../setup/context.ts';
import { whyNoPackages } from '../../setup/debian.ts';
import { createGitWorld, type GitWorld } from '../../setup/git.ts';
import { type SshServer, startSshServer } from '../../setup/ssh-server.ts';

const reason = whyNoPackages();

describe.skipIf(reason !== undefined)(
  `git over ssh${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let world: GitWorld;
    let server: SshServer;
    let commit: string;

    beforeAll(async () => {
      world = await createGitWorld();
      server = await startSshServer(join(world.root, 'ssh'));
      commit = await world.commit('project', { 'sub/MLproject': 'name: by ssh\n' });
      await world.git('', 'clone', '--quiet', '--bare', 'project', 'served.git');
    });
    afterAll(async () => {
      server?.stop();
      await world?.remove();
    });

    const contextWith = (GIT_SSH_COMMAND: string) =>
      createTestContext({ cwd: world.root, env: { ...world.env, GIT_SSH_COMMAND } });

    test('ssh:// with a port, a subdirectory and a branch', async () => {
      const uri = `ssh://${server.user}@127.0.0.1:${server.port}${world.root}/served.git#sub`;
      await using source = await fetchProjectSource(
        uri,
        { version: 'trunk' },
        contextWith(server.command),
      );
      expect(source).toMatchObject({ commit, branch: 'trunk', name: uri });
    });

    test('user@host:path, as people copy it', async () => {
      const uri = `${server.user}@127.0.0.1:${world.root}/served.git`;
      const context = contextWith(`${server.command} -p ${server.port}`);
      await using source = await fetchProjectSource(uri, {}, context);
      expect(source).toMatchObject({ commit, name: uri, repositoryUrl: uri });
    });

    test('a host that is not known yet is not trusted: what ssh said, and the mend', async () => {
      const uri = `ssh://${server.user}@127.0.0.1:${server.port}${world.root}/served.git`;
      const fetching = fetchProjectSource(uri, {}, contextWith(server.strangerCommand));
      await expect(fetching).rejects.toMatchObject({
        message: expect.stringContaining('Host key verification failed'),
        hint: expect.stringContaining('ssh'),
      });
    });
  },
);
