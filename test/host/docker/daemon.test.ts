import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectDocker } from '../../../src/host/docker/daemon.ts';

const SECCOMP = 'name=seccomp,profile=default';

/** What the daemons say of themselves at `/info`; Podman's is that of 4.3.1. */
test.each([
  ['Docker', { SecurityOptions: [SECCOMP] }, false],
  ['a Docker without any', { SecurityOptions: null }, false],
  ['rootless Docker', { SecurityOptions: [SECCOMP, 'name=rootless'] }, true],
  ['Podman as root', { SecurityOptions: [SECCOMP], Rootless: false }, false],
  ['rootless Podman', { SecurityOptions: [SECCOMP], Rootless: true }, true],
])('%s: whether root in a container is the daemon’s own user', async (_name, info, isRootless) => {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-daemon-'));
  const socket = join(folder, 'docker.sock');
  const server = createServer(({ url = '' }, answer) => {
    answer.setHeader('content-type', 'application/json');
    answer.end(url.endsWith('/info') ? JSON.stringify(info) : 'OK');
  });
  try {
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const docker = await connectDocker({ DOCKER_HOST: `unix://${socket}` });
    expect(docker).toMatchObject({ isLocal: true, isRootless });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  }
});
