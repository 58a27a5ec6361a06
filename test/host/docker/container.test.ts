import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerLaunch } from '../../../src/core/launch.ts';
import { runContainer } from '../../../src/host/docker/container.ts';
import { testCache } from '../../setup/cache.ts';
import { launchOf, startContainer } from '../../setup/container.ts';
import { createTestContext } from '../../setup/context.ts';
import { docker, ensureDocker, whyNoDocker } from '../../setup/docker.ts';

const reason = whyNoDocker();
const title = `a container runs to its end${reason ? ` (skipped: ${reason})` : ''}`;

describe.skipIf(reason !== undefined)(title, () => {
  let folder: string;
  const label = `mlts.test=${process.pid}`;
  const named = { Labels: { 'mlts.test': String(process.pid) } };
  const options: ContainerLaunch['options'] = { container: named, hostConfig: { Init: true } };
  const listLeft = () => docker('ps', '--all', '--quiet', '--filter', `label=${label}`);

  beforeAll(async () => {
    await ensureDocker();
    folder = await mkdtemp(join(testCache, 'container-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('both streams arrive apart and whole, whatever their size', async () => {
    const run = startContainer(
      launchOf('echo out; echo err >&2; seq 1 200000; printf "no newline" >&2', { options }),
    );
    expect(await run.outcome).toEqual({
      exitCode: 0,
      signal: undefined,
      interruptedBy: undefined,
    });
    const numbers = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join('');
    expect(run.wrote.stdout).toBe(`out\n${numbers}`);
    expect(run.wrote.stderr).toBe('err\nno newline');
    expect(await listLeft()).toBe('');
  });

  test('stdin is passed, with its end', async () => {
    const run = startContainer(launchOf('cat; echo end'), { input: 'a line\nhalf' });
    expect((await run.outcome).exitCode).toBe(0);
    expect(run.wrote.stdout).toBe('a line\nhalfend\n');
  });

  test.each([
    ['exit 7', 7, undefined],
    ['no-such-program', 127, undefined],
    ['kill -KILL $$', 137, 'SIGKILL'],
  ])('%s ends with %i', async (command, exitCode, signal) => {
    expect(await startContainer(launchOf(command)).outcome).toMatchObject({ exitCode, signal });
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s reaches every process of the container, which is then gone',
    async (signalName) => {
      const command = 'python -c "import time; print(1, flush=True); time.sleep(600)"; echo after';
      const run = startContainer(launchOf(command, { options }));
      await run.waitForText('1');
      run.context.interrupt(signalName);
      const outcome = await run.outcome;
      expect(outcome.interruptedBy).toBe(signalName);
      expect(outcome.exitCode).not.toBe(137);
      expect(await listLeft()).toBe('');
    },
  );

  test('a command that ignores the signal is killed after the grace period', async () => {
    const command = 'trap "" TERM; echo ready; while :; do sleep 1; done';
    const run = startContainer(launchOf(command, { options }), { graceMs: 500 });
    await run.waitForText('ready');
    run.context.interrupt('SIGTERM');
    expect(await run.outcome).toEqual({
      exitCode: 137,
      signal: 'SIGKILL',
      interruptedBy: 'SIGTERM',
    });
    expect(await listLeft()).toBe('');
  });

  test('nobody reads the output any more: the command runs on to its end', async () => {
    const stdout = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    let endedProgram = false;
    stdout.on('error', () => {
      endedProgram = true;
    });
    const streams = { stdin: Readable.from([]), stdout, stderr: new PassThrough().resume() };
    const launch = launchOf('echo one; sleep 0.2; echo two; exit 3', { options });
    const outcome = await runContainer(launch, createTestContext(), { graceMs: 1_000, streams });
    expect(outcome.exitCode).toBe(3);
    expect(endedProgram).toBe(false);
    expect(stdout.listenerCount('error')).toBe(1);
    expect(await listLeft()).toBe('');
  });

  test('a missing folder is made, and what is written there belongs to the user of the launch', async () => {
    const source = join(folder, 'made/for me');
    const mounts = [{ source, target: '/out', readOnly: false }];
    await startContainer(launchOf('chmod 777 /out', { mounts })).outcome;
    const run = startContainer(launchOf('touch /out/file', { user: '1234:1235', mounts }));
    expect((await run.outcome).exitCode).toBe(0);
    expect(await stat(join(source, 'file'))).toMatchObject({ uid: 1234, gid: 1235 });
  });

  test('a read-only mount cannot be written to', async () => {
    const mounts = [{ source: folder, target: '/in', readOnly: true }];
    const run = startContainer(launchOf('touch /in/file', { mounts }));
    expect((await run.outcome).exitCode).toBe(1);
    expect(run.wrote.stderr).toContain('Read-only file system');
  });

  describe('what cannot start says why, and leaves no container', () => {
    test.each<[string, Partial<ContainerLaunch>, RegExp]>([
      [
        'no such program',
        { command: ['/no/such'], options: { container: named, hostConfig: {} } },
        /program to start is not in image .*no\/such/,
      ],
      [
        'no such image',
        { image: 'mlts-test-nothing:1' },
        /image mlts-test-nothing:1 is not on this machine/,
      ],
      ['no such user', { user: 'nobody-here' }, /image does not know the user.*nobody-here/],
      [
        'a bad mount',
        { mounts: [{ source: '/tmp', target: 'not-absolute', readOnly: false }] },
        /volume cannot be mounted/,
      ],
      ['no such network', withHost({ NetworkMode: 'mlts-none' }), /network mlts-none not found/],
      ['no GPU', withHost({ DeviceRequests: [{ Count: -1, Capabilities: [['gpu']] }] }), /GPU/],
    ])('%s', async (_name, changes, message) => {
      await expect(
        startContainer(launchOf('true', { options, ...changes })).outcome,
      ).rejects.toThrow(message);
      expect(await listLeft()).toBe('');
    });

    test('a port in use', async () => {
      const server = createServer().listen(0, '0.0.0.0');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const hostConfig = { PortBindings: { '80/tcp': [{ HostPort: String(port) }] } };
      const container = { ...named, ExposedPorts: { '80/tcp': {} } };
      const changes = { options: { container, hostConfig } };
      try {
        await expect(startContainer(launchOf('true', changes)).outcome).rejects.toThrow(
          /published port is in use/,
        );
      } finally {
        server.close();
      }
      expect(await listLeft()).toBe('');
    });

    test('a daemon that goes away while the container runs', async () => {
      const proxy = await startProxy(join(folder, 'proxy.sock'));
      const env = { ...process.env, DOCKER_HOST: `unix://${folder}/proxy.sock` };
      const run = startContainer(launchOf('echo ready; sleep 600', { options }), { env });
      await run.waitForText('ready');
      proxy.stop();
      try {
        await expect(run.outcome).rejects.toThrow(/Docker daemon (went away|answers)/);
      } finally {
        await docker('rm', '--force', await listLeft());
      }
    });

    test('no daemon', async () => {
      const env = { ...process.env, DOCKER_HOST: `unix://${folder}/none.sock` };
      await expect(startContainer(launchOf('true'), { env }).outcome).rejects.toMatchObject({
        message: expect.stringMatching(/no Docker daemon answers.*none\.sock/),
        hint: expect.stringContaining('DOCKER_HOST'),
      });
    });
  });

  function withHost(hostConfig: Record<string, unknown>): Partial<ContainerLaunch> {
    return { options: { container: named, hostConfig } };
  }
});

/** Stands between us and the daemon, so that a test can cut the connection. */
async function startProxy(path: string): Promise<{ stop(): void }> {
  const sockets: Socket[] = [];
  // Half open: the end of stdin must not end the output.
  const proxy = createServer({ allowHalfOpen: true }, (ours) => {
    const daemon = connect({ path: '/var/run/docker.sock', allowHalfOpen: true });
    for (const socket of [ours, daemon]) socket.on('error', () => {});
    sockets.push(ours, daemon);
    ours.pipe(daemon).pipe(ours);
  }).listen(path);
  await once(proxy, 'listening');
  return {
    stop() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
