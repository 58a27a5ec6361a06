import type { Run, RunInfo } from '../core/entities.ts';
import type { Context } from '../host/context.ts';
import { findProcessesWith, judgeProcess } from '../host/process-identity.ts';
import { gather, readAll } from '../search/pages.ts';
import type { TrackingStore } from '../tracking/store.ts';
import { readRunProcess } from './run-process.ts';

export interface ReapOptions {
  /** Empty: all active experiments. */
  readonly experimentIds: readonly string[];
  readonly isDryRun: boolean;
}

/** A run that nobody ends any more. */
export interface OrphanedRun {
  readonly info: RunInfo;
  /** The `mlts run` that is gone. */
  readonly pid: number;
}

export interface Reaping {
  /** As they are now: KILLED, or still RUNNING where nothing was to be done. */
  readonly orphans: readonly OrphanedRun[];
  /** RUNNING runs that were left alone, by why. */
  readonly left: Readonly<Record<Reason, number>>;
}

/** `alive`: its `mlts run` or its command is at work; `unknown`: made elsewhere, or not by `mlts run`. */
type Reason = 'alive' | 'unknown';

/**
 * Ends, as KILLED, the RUNNING runs that an `mlts run` on this machine made which is gone, killed or
 * lost with the machine's power, and whose command is gone too.
 *
 * @throws NotFound for an experiment that is not there.
 */
export async function reapRuns(
  { experimentIds, isDryRun }: ReapOptions,
  store: TrackingStore,
  context: Context,
): Promise<Reaping> {
  const ids = await chooseExperiments(experimentIds, store);
  const judged = await Promise.all((await findRunning(ids, store)).map(judgeRun));
  const orphans = judged.filter((verdict) => typeof verdict === 'object');
  const count = (reason: Reason) => judged.filter((verdict) => verdict === reason).length;
  return {
    orphans: isDryRun ? orphans : await endRuns(orphans, store, context),
    left: { alive: count('alive'), unknown: count('unknown') },
  };
}

async function chooseExperiments(
  asked: readonly string[],
  store: TrackingStore,
): Promise<readonly string[]> {
  for (const id of asked) await store.getExperiment(id);
  if (asked.length > 0) return asked;
  const all = await readAll((page) => store.searchExperiments({ view: 'active_only', ...page }));
  return all.map(({ id }) => id);
}

/** All of them before any is ended: a server counts its pages, and ending one would move the rest. */
function findRunning(
  experimentIds: readonly string[],
  store: TrackingStore,
): Promise<readonly Run[]> {
  const filter = "attributes.status = 'RUNNING'";
  const scan = store.scanRuns({ experimentIds, filter, view: 'active_only' });
  return gather(scan);
}

async function judgeRun({ info, tags }: Run): Promise<OrphanedRun | Reason> {
  const identity = readRunProcess(tags);
  if (identity === undefined) return 'unknown';
  const state = await judgeProcess(identity);
  if (state === 'elsewhere') return 'unknown';
  if (state === 'alive') return 'alive';
  // Killed with SIGKILL, `mlts run` leaves its command behind, which may go on for days.
  const commands = await findProcessesWith(`MLFLOW_RUN_ID=${info.id}`);
  return commands.length > 0 ? 'alive' : { info, pid: identity.pid };
}

/** Those that somebody else has ended meanwhile are left out. */
async function endRuns(
  orphans: readonly OrphanedRun[],
  store: TrackingStore,
  context: Context,
): Promise<readonly OrphanedRun[]> {
  const ended: OrphanedRun[] = [];
  for (const { info, pid } of orphans) {
    const { status } = (await store.getRun(info.id)).info;
    if (status !== 'RUNNING') continue;
    const update = { status: 'KILLED', endTimeMs: context.now() } as const;
    ended.push({ info: await store.updateRun(info.id, update), pid });
  }
  return ended;
}
