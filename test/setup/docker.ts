import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { connectDocker, type Docker } from '../../src/host/docker/daemon.ts';
import { once, testCache } from './cache.ts';
import { installMissing } from './debian.ts';

/** Debian with Python, pip and bash; stands in for `python:<version>-slim`, which needs a registry. */
export const BASE_IMAGE = 'mlts-test-python:3';

/** Why Docker cannot be had here; undefined where it can. */
export function whyNoDocker(): string | undefined {
  if (!existsSync('/etc/debian_version'))
    return 'the test image is made by mmdebstrap, on Debian only';
  if (process.getuid?.() === 0) return undefined;
  return 'Docker and its test image are installed and started by root only';
}

/** A daemon that answers and has `BASE_IMAGE`; both are installed, started and made where missing. */
export function ensureDocker(): Promise<Docker> {
  return once('docker', async () => {
    const running = await connectDocker(process.env).catch(() => undefined);
    const docker = running ?? (await startDaemon());
    if (!(await hasBaseImage())) await importBaseImage();
    return docker;
  });
}

export async function docker(...args: string[]): Promise<string> {
  return (await execa('docker', args)).stdout;
}

async function startDaemon(): Promise<Docker> {
  await installMissing({ dockerd: 'docker.io', iptables: 'iptables' });
  // The daemon outlives the worker that starts it and ends with vitest, the worker's parent.
  const script =
    'dockerd --storage-driver=overlay2 >"$1" 2>&1 & daemon=$!; ' +
    'while kill -0 "$0" && kill -0 $daemon; do sleep 1; done 2>/dev/null; kill $daemon';
  const log = join(testCache, 'dockerd.log');
  spawn('sh', ['-c', script, String(process.ppid), log], {
    detached: true,
    stdio: 'ignore',
  }).unref();
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(200)) {
    const started = await connectDocker(process.env).catch(() => undefined);
    if (started !== undefined) return started;
  }
  throw new Error(`dockerd did not start: ${(await readFile(log, 'utf8')).slice(-2_000)}`);
}

async function hasBaseImage(): Promise<boolean> {
  return (
    (await execa('docker', ['image', 'inspect', BASE_IMAGE], { reject: false })).exitCode === 0
  );
}

async function importBaseImage(): Promise<void> {
  await docker('import', ...BASE_CHANGES, await ensureBaseTar(), BASE_IMAGE);
}

/** The file system of `BASE_IMAGE`, for `docker import`. */
export async function ensureBaseTar(): Promise<string> {
  const tar = join(testCache, `${BASE_IMAGE.replace(':', '-')}.tar`);
  if (!existsSync(tar)) {
    await installMissing({ mmdebstrap: 'mmdebstrap' });
    await makeBaseTar(`${tar}.partial`);
    await rename(`${tar}.partial`, tar);
  }
  return tar;
}

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** What `docker import` adds to it. */
export const BASE_CHANGES = [
  ...['-c', 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin'],
  ...['-c', `ENV SSL_CERT_FILE=${CERTIFICATES}`],
];

/** As Debian's own slim images leave them out. */
const WITHOUT_PAGES = ['doc', 'man', 'locale', 'info'].map(
  (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
);

/** A root file system from this machine's own package sources, with its certificates and pip settings. */
async function makeBaseTar(path: string): Promise<void> {
  const pipSettings = join(testCache, 'image-pip.conf');
  await writeFile(pipSettings, await describePip());
  const hooks = [
    `copy-in ${CERTIFICATES} /etc/ssl/certs`,
    `upload ${pipSettings} /etc/pip.conf`,
    'ln -s python3 "$1/usr/bin/python"',
    'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',
  ];
  const packages = 'ca-certificates,python3-minimal,python3-pip,python3-venv';
  const args = ['--variant=apt', `--include=${packages}`, '--quiet', ...WITHOUT_PAGES];
  const customize = hooks.map((hook) => `--customize-hook=${hook}`);
  const codename = await readCodename();
  const sources = await findDebianSources(codename);
  await rm(path, { force: true });
  await execa('mmdebstrap', [...args, ...customize, '--format=tar', codename, path, ...sources]);
}

async function describePip(): Promise<string> {
  const { stdout } = await execa('python3', ['-m', 'pip', 'config', 'list'], { reject: false });
  const indexes = [...stdout.matchAll(/\.((?:extra-)?index-url|trusted-host)='(.*)'/g)];
  const lines = indexes.map(([, name, value]) => `${name} = ${value}`);
  return `${['[global]', `cert = ${CERTIFICATES}`, ...lines].join('\n')}\n`;
}

async function readCodename(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8');
  return /^VERSION_CODENAME=(\w+)/m.exec(text)?.[1] ?? 'bookworm';
}

async function findDebianSources(codename: string): Promise<readonly string[]> {
  const folder = '/etc/apt/sources.list.d';
  const names = (await readdir(folder)).map((name) => join(folder, name));
  const present = ['/etc/apt/sources.list', ...names].filter((path) => existsSync(path));
  const suite = new RegExp(`\\s${codename}(\\s|$)`, 'm');
  const texts = await Promise.all(present.map((path) => readFile(path, 'utf8')));
  return present.filter((_path, index) => suite.test(texts[index] ?? ''));
}
