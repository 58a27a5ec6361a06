import type { Context } from '../../host/context.ts';
import { resolveTrackingUri } from '../../tracking/open.ts';
import { openStoredNames, type StoredNames } from '../../tracking/stored-names.ts';
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

async function withNames<T>(
  context: Context,
  work: (names: StoredNames) => Promise<T>,
): Promise<T> {
  const names = await openStoredNames(await resolveTrackingUri(context), context);
  try {
    return await work(names);
  } finally {
    await names.close();
  }
}
