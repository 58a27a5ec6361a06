import { spawn } from 'node:child_process';
import { once as onceEvent } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { installMissing } from './debian.ts';
import { BASE_CHANGES, BASE_IMAGE, ensureBaseTar, ensureDocker } from './docker.ts';

/** Podman's service, with images and containers of its own. */
export interface RunningPodman extends AsyncDisposable {
  /** As `DOCKER_HOST` takes it. */
  readonly host: string;
  docker(...args: string[]): Promise<string>;
}

/** Machines differ in what they let containers have; these limits are below what any of them has. */
const SETTINGS = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
`;

/** Debian's Podman, which has `BASE_IMAGE`. As root: see `whyNoDocker`. */
export async function startPodman(): Promise<RunningPodman> {
  await ensureDocker();
  const base = await ensureBaseTar();
  await installMissing({
    podman: 'podman',
    runc: 'runc',
    '/usr/libexec/podman/catatonit': 'catatonit',
    '/usr/lib/podman/netavark': 'netavark',
    '/usr/lib/podman/aardvark-dns': 'aardvark-dns',
  });
  const folder = await mkdtemp(join(tmpdir(), 'mlts-podman-'));
  const settings = join(folder, 'containers.conf');
  await writeFile(settings, SETTINGS);
  const socket = join(folder, 'podman.sock');
  const places = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run')];
  const service = spawn(
    'podman',
    [...places, 'system', 'service', '--time=0', `unix://${socket}`],
    { env: { ...process.env, CONTAINERS_CONF: settings }, stdio: 'ignore' },
  );
  const ended = onceEvent(service, 'exit');
  const host = `unix://${socket}`;
  const docker = async (...args: string[]) =>
    (await execa('docker', ['--host', host, ...args])).stdout;
  const stop = async () => {
    service.kill('SIGTERM');
    await ended;
    // Layers may still be mounted below it.
    await execa('umount', ['--recursive', join(folder, 'root', 'overlay')], { reject: false });
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    for (const deadline = Date.now() + 60_000; !existsSync(socket); await sleep(100)) {
      if (Date.now() > deadline) throw new Error('Podman did not start');
    }
    await docker('import', ...BASE_CHANGES, base, BASE_IMAGE);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, docker, [Symbol.asyncDispose]: stop };
}
