import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { once } from './cache.ts';
import { installMissing } from './debian.ts';
import { findFreePort } from './mlflow.ts';

const INSTALLED = '/usr/lib/postgresql';
/** Made by Debian's package; PostgreSQL refuses to run as root. */
const USER = 'postgres';

export interface RunningPostgres {
  /** Folder with `pg_dump` and the other programs. */
  readonly bin: string;
  /** Makes an empty database and returns its address, password included. */
  createDatabase(): Promise<string>;
  /** Stops it as when its machine is restarted: connections break, and no more are taken. */
  halt(): Promise<void>;
  /** Starts it again after `halt`, at the same address. */
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/** Why PostgreSQL cannot be had here; undefined where it can. */
export function whyNoPostgres(): string | undefined {
  if (process.getuid?.() !== 0) return 'PostgreSQL is installed and started by root only';
  return existsSync('/etc/debian_version') ? undefined : 'PostgreSQL is installed by apt-get only';
}

/**
 * Debian's PostgreSQL on a free port, its data in a temporary folder, a password needed. Only where it `syncs` does it
 * wait for the disk, as it does for users.
 */
export async function startPostgres({ syncs = false } = {}): Promise<RunningPostgres> {
  const bin = await ensurePostgres();
  const directory = await mkdtemp(join(tmpdir(), 'mlts-postgres-'));
  const run = (file: string, args: readonly string[]) =>
    execa('runuser', ['-u', USER, '--', join(bin, file), ...args], { cwd: '/' });
  const { stdout: userId } = await execa('id', ['-u', USER]);
  await chown(directory, Number(userId), -1);
  const [data, password] = [join(directory, 'data'), join(directory, 'password')];
  await writeFile(password, 'p@s:word\n', { mode: 0o644 });
  const access = ['-U', 'mlts', '-A', 'scram-sha-256', `--pwfile=${password}`];
  await run('initdb', ['--no-sync', ...access, '-D', data]);
  const port = await findFreePort();
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c fsync=${syncs ? 'on' : 'off'} -k ${directory}`;
  const resume = async (): Promise<void> => {
    await run('pg_ctl', ['-w', '-D', data, '-o', options, '-l', join(directory, 'log'), 'start']);
  };
  await resume();
  const address = (name: string) =>
    `postgresql+psycopg2://mlts:p%40s%3Aword@127.0.0.1:${port}/${name}`;
  let count = 0;
  return {
    bin,
    async createDatabase() {
      count += 1;
      const name = `test_${process.pid}_${count}`;
      await execa(join(bin, 'psql'), [
        address('postgres').replace('+psycopg2', ''),
        '-c',
        `create database ${name}`,
      ]);
      return address(name);
    },
    async halt() {
      await run('pg_ctl', ['-w', '-D', data, '-m', 'fast', 'stop']);
    },
    resume,
    async stop() {
      await run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function ensurePostgres(): Promise<string> {
  return once('postgres', async () => {
    await installMissing({ [INSTALLED]: 'postgresql' });
    const [newest] = (await readdir(INSTALLED)).sort((a, b) => Number(b) - Number(a));
    return join(INSTALLED, newest ?? '', 'bin');
  });
}
