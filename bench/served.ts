import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that was started to be measured. */
export interface Served {
  readonly url: string;
  /** From its start to its first answer. */
  readonly readyMs: number;
  /** Of all of its processes now, what each shares counted once for all (PSS). */
  measureMemoryMiB(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a server as the leader of a group of its own and waits until `healthPath` answers. */
export async function startServed(
  command: readonly string[],
  options: {
    readonly url: string;
    readonly healthPath: string;
    readonly env: Readonly<Record<string, string>>;
    readonly cwd?: string;
  },
): Promise<Served> {
  const [file = '', ...args] = command;
  const startedAt = performance.now();
  const child = spawn(file, args, {
    env: options.env,
    stdio: 'ignore',
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  await untilAnswered(options.url + options.healthPath, child);
  const readyMs = performance.now() - startedAt;
  const leader = child.pid ?? 0;
  return {
    url: options.url,
    readyMs,
    measureMemoryMiB: async () => {
      const processes = await findDescendants(leader);
      const sizes = await Promise.all(processes.map(measurePss));
      return sizes.reduce((sum, size) => sum + size, 0) / 1024;
    },
    async stop() {
      for (const pid of (await findDescendants(leader)).toReversed()) kill(pid);
      await sleep(300);
    },
  };
}

async function untilAnswered(url: string, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 180_000; Date.now() < deadline; await sleep(10)) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    if (child.exitCode !== null)
      throw new Error(`${child.spawnfile} exited with ${child.exitCode}`);
  }
  throw new Error(`${url} did not answer`);
}

async function findDescendants(leader: number): Promise<readonly number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    parents.set(Number(name), parent);
  }
  const found = [leader];
  for (const pid of found) {
    for (const [child, parent] of parents) if (parent === pid) found.push(child);
  }
  return found;
}

async function measurePss(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}
