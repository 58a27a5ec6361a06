import { createHash } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process, so that it is known again after its number was given to another one. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Machine, boot, space of process numbers, and start within the boot: equal for one process only. */
  readonly birth: string;
}

/** `elsewhere`: of another machine, or of a container whose process numbers say nothing here. */
export type ProcessState = 'alive' | 'gone' | 'elsewhere';

/** Undefined where the system has no /proc (macOS): there is no telling processes apart. */
export async function identifyProcess(pid = process.pid): Promise<ProcessIdentity | undefined> {
  const place = await readPlace();
  const startTicks = await readStartTicks(pid);
  if (place === undefined || startTicks === undefined) return undefined;
  return { host: hostname(), pid, birth: [...place, startTicks].join(':') };
}

/** What has become of a process that `identifyProcess` told of, maybe in another mlts. */
export async function judgeProcess({ host, pid, birth }: ProcessIdentity): Promise<ProcessState> {
  const [machine, boot, numbers, startTicks] = birth.split(':');
  const [ourMachine, ourBoot, ourNumbers] = (await readPlace()) ?? [];
  if (host !== hostname() || machine !== ourMachine) return 'elsewhere';
  // Without a machine id another boot may be another machine of the same name.
  if (boot !== ourBoot) return machine === '' ? 'elsewhere' : 'gone';
  if (numbers !== ourNumbers) return 'elsewhere';
  return (await readStartTicks(pid)) === startTicks ? 'alive' : 'gone';
}

/** Processes of ours whose environment holds this very `NAME=value`. */
export async function findProcessesWith(variable: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const holds = async (pid: string): Promise<boolean> =>
    ((await readQuietly(`/proc/${pid}/environ`)) ?? '').split('\0').includes(variable);
  const found = await Promise.all(pids.map(holds));
  return pids.filter((_pid, index) => found[index]).map(Number);
}

/** Kills the processes that `findProcessesWith` finds, and waits until they are gone. @throws `signal.reason` */
export async function endProcessesWith(variable: string, signal: AbortSignal): Promise<void> {
  for (let found = await findProcessesWith(variable); found.length > 0; ) {
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    await sleep(10, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
    found = await findProcessesWith(variable);
  }
}

type Place = readonly [machine: string, boot: string, numbers: string];

async function readPlace(): Promise<Place | undefined> {
  const boot = await readQuietly('/proc/sys/kernel/random/boot_id');
  const numbers = await readlink('/proc/self/ns/pid').catch(() => undefined);
  if (boot === undefined || numbers === undefined) return undefined;
  const machine = (await readQuietly('/etc/machine-id'))?.trim() ?? '';
  return [hashMachine(machine), boot.trim(), numbers.replace(/\D/g, '')];
}

/** systemd asks that a machine's id be told to nobody as it is (`man machine-id`). */
function hashMachine(id: string): string {
  return id === '' ? '' : createHash('sha256').update(`mlts ${id}`).digest('hex').slice(0, 16);
}

/** Field 22 of `pid (name) state ...`; a dead process that its parent has not looked at counts as none. */
async function readStartTicks(pid: number): Promise<string | undefined> {
  const text = await readQuietly(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

async function readQuietly(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
