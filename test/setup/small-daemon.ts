import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { mountSmallDisk } from './small-disk.ts';

/** A Docker daemon of one's own beside the one that all share, on a disk that is soon full. */
export interface SmallDaemon extends AsyncDisposable {
  /** As `DOCKER_HOST` takes it. */
  readonly host: string;
  readonly socket: string;
  docker(...args: string[]): Promise<string>;
}

export async function startSmallDaemon(sizeKib: number): Promise<SmallDaemon> {
  // A socket's path may be no longer than 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'mlts-dockerd-'));
  const disk = await mountSmallDisk(join(folder, 'disk'), sizeKib);
  const socket = join(folder, 'docker.sock');
  const places = { 'data-root': disk.path, 'exec-root': join(folder, 'exec') };
  const flags = Object.entries({
    ...places,
    pidfile: join(folder, 'pid'),
    host: `unix://${socket}`,
  });
  const words = flags.map(([name, value]) => `--${name}=${value}`);
  const alone = ['--bridge=none', '--iptables=false', '--ip6tables=false'];
  // In a network of its own: it would remove the bridge of the other daemon.
  const daemon = spawn('unshare', ['--net', 'dockerd', ...words, ...alone], { stdio: 'ignore' });
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  const host = `unix://${socket}`;
  const docker = async (...args: string[]) =>
    (await execa('docker', ['--host', host, ...args])).stdout;
  const stop = async () => {
    daemon.kill('SIGTERM');
    await ended;
    await disk[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  for (const deadline = Date.now() + 60_000; ; await sleep(200)) {
    if (await docker('info').catch(() => undefined)) break;
    if (Date.now() < deadline && daemon.exitCode === null) continue;
    await stop();
    throw new Error('the second Docker daemon did not start');
  }
  return { host, socket, docker, [Symbol.asyncDispose]: stop };
}
