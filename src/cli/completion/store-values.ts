import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../host/context.ts';
import { resolveTrackingUri } from '../../tracking/open.ts';
import { openStoredNames, type StoredName, type StoredNames } from '../../tracking/stored-names.ts';
import type { Candidates } from './candidate.ts';
import type { TypedLine } from './typed-line.ts';

export async function listExperimentIds(context: Context): Promise<Candidates> {
  const experiments = await withNames(context, (names) => names.listExperiments());
  return { found: experiments.map(({ id, name }) => ({ value: id, description: name })) };
}

export async function listExperimentNames(context: Context): Promise<Candidates> {
  const experiments = await withNames(context, (names) => names.listExperiments());
  return { found: experiments.map(({ name }) => ({ value: name })) };
}

/** Runs whose id begins as typed, the newest first; none twice on one line. */
export async function listRunIds(line: TypedLine, context: Context): Promise<Candidates> {
  const runs = await withNames(context, (names) => names.listRuns(line.current));
  return {
    found: runs
      .filter(({ id }) => !line.positionals.includes(id))
      .map(({ id, name }) => ({ value: id, description: name })),
  };
}

/** A key press is not worth more: a database or server that has not answered by then completes nothing. */
const NETWORK_DEADLINE_MS = 1_000;

async function withNames(
  context: Context,
  work: (names: StoredNames) => Promise<readonly StoredName[]>,
): Promise<readonly StoredName[]> {
  const uri = await resolveTrackingUri(context);
  return withinDeadline(uri, readNames(uri, context, work));
}

/** What the store at `uri` answers, or nothing where it lies behind a network that is too slow. */
export function withinDeadline<Item>(
  uri: string,
  found: Promise<readonly Item[]>,
): Promise<readonly Item[]> {
  if (!/^(https?|postgresql)\b/i.test(uri)) return found;
  const nothing: readonly Item[] = [];
  return Promise.race([found, sleep(NETWORK_DEADLINE_MS, nothing, { ref: false })]);
}

async function readNames(
  uri: string,
  context: Context,
  work: (names: StoredNames) => Promise<readonly StoredName[]>,
): Promise<readonly StoredName[]> {
  const names = await openStoredNames(uri, context);
  try {
    return await work(names);
  } finally {
    await names.close();
  }
}
