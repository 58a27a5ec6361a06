import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { once } from './cache.ts';

/** Why Debian's packages cannot be installed here; undefined where they can. */
export function whyNoPackages(): string | undefined {
  if (!existsSync('/etc/debian_version')) return 'it is installed by apt-get, on Debian only';
  return process.getuid?.() === 0 ? undefined : 'it is installed and started by root only';
}

/**
 * Installs the packages whose program is not on PATH (`{program: package}`). One worker at a time: two
 * apt-gets refuse each other.
 */
export async function installMissing(programs: Readonly<Record<string, string>>): Promise<void> {
  await once('apt', async () => {
    const packages: string[] = [];
    for (const [program, name] of Object.entries(programs)) {
      const found = await execa('which', [program], { reject: false });
      if (found.exitCode !== 0 && !existsSync(program)) packages.push(name);
    }
    if (packages.length === 0) return;
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await execa('apt-get', ['update', '-qq'], { env });
    const quietly = ['install', '-y', '-qq', '--no-install-recommends'];
    await execa('apt-get', [...quietly, ...packages], { env });
  });
}
