import type { Tag } from '../core/entities.ts';
import { identifyProcess, type ProcessIdentity } from '../host/process-identity.ts';

/** The tags that say which process ends a run, so that `mlts runs reap` can tell when it no longer will. */
export const PROCESS_TAGS = { host: 'mlts.host', pid: 'mlts.pid', birth: 'mlts.process' } as const;

/** The tags of a run that this process will end; none where processes cannot be told apart. */
export async function describeRunProcess(): Promise<readonly Tag[]> {
  const identity = await identifyProcess();
  if (identity === undefined) return [];
  return [
    { key: PROCESS_TAGS.host, value: identity.host },
    { key: PROCESS_TAGS.pid, value: String(identity.pid) },
    { key: PROCESS_TAGS.birth, value: identity.birth },
  ];
}

/** Undefined for a run that `mlts run` did not make. */
export function readRunProcess(tags: readonly Tag[]): ProcessIdentity | undefined {
  const findValue = (wanted: string) => tags.find(({ key }) => key === wanted)?.value;
  const host = findValue(PROCESS_TAGS.host);
  const pid = Number(findValue(PROCESS_TAGS.pid));
  const birth = findValue(PROCESS_TAGS.birth);
  if (host === undefined || birth === undefined || !Number.isSafeInteger(pid)) return undefined;
  return { host, pid, birth };
}
