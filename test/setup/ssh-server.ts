import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { installMissing } from './debian.ts';
import { findFreePort, waitUntilListening } from './mlflow.ts';

export interface SshServer {
  readonly port: number;
  readonly user: string;
  /** For GIT_SSH_COMMAND: knows the server as `testhost` and as 127.0.0.1, and has the key. */
  readonly command: string;
  /** The same without having met the server before. */
  readonly strangerCommand: string;
  stop(): void;
}

/** Debian's OpenSSH server on a free loopback port, with keys of its own; its files are below `folder`. */
export async function startSshServer(folder: string): Promise<SshServer> {
  await installMissing({ '/usr/sbin/sshd': 'openssh-server' });
  await mkdir('/run/sshd', { recursive: true });
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  const [hostKey, userKey] = [join(folder, 'host'), join(folder, 'user')];
  for (const key of [hostKey, userKey]) {
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  }
  const port = await findFreePort();
  const { username: user } = userInfo();
  const settings = {
    ListenAddress: '127.0.0.1',
    Port: port,
    HostKey: hostKey,
    AuthorizedKeysFile: `${userKey}.pub`,
    PermitRootLogin: 'prohibit-password',
    StrictModes: 'no',
    UsePAM: 'no',
    PidFile: 'none',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  await writeFile(join(folder, 'sshd_config'), lines.join(''));
  const daemon = spawn('/usr/sbin/sshd', ['-D', '-f', join(folder, 'sshd_config')], {
    stdio: 'ignore',
  });
  await waitUntilListening(port);
  const known = join(folder, 'known_hosts');
  const { stdout: keys } = await execa('ssh-keyscan', ['-p', String(port), '127.0.0.1']);
  await writeFile(known, `${keys}\n`);
  const command = (knownHosts: string): string =>
    `ssh -F none -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${knownHosts} -o IdentitiesOnly=yes -i ${userKey}`;
  return {
    port,
    user,
    command: command(known),
    strangerCommand: command(join(folder, 'nobody')),
    stop: () => void daemon.kill(),
  };
}
