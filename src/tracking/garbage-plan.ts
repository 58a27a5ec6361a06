import { InvalidInput, NotFound } from '../core/errors.ts';
import type { GarbageCollector, GarbageItem, GarbageSelection } from './garbage.ts';

export interface GarbageRequest {
  /** Only what has been deleted for so long; undefined: for any time. */
  readonly olderThanMs: number | undefined;
  readonly nowMs: number;
  /** Absent: all deleted ones. They narrow their own kind alone, as in MLflow. */
  readonly runIds?: readonly string[] | undefined;
  readonly experimentIds?: readonly string[] | undefined;
  readonly modelIds?: readonly string[] | undefined;
  /** Absent: no jobs at all; without ids: all that have ended. */
  readonly jobs?: { readonly ids: readonly string[] | undefined } | undefined;
  /** Pass over ids that are none, where several workspaces are gone through. */
  readonly mayMiss: boolean;
}

/** What goes, in this order: an experiment follows its runs. */
export interface GarbagePlan {
  readonly runs: readonly GarbageItem[];
  readonly models: readonly GarbageItem[];
  readonly experiments: readonly GarbageItem[];
  readonly jobs: readonly GarbageItem[];
  /** What its owners should know before or after. */
  readonly warnings: readonly string[];
}

type Kind = 'run' | 'logged_model' | 'experiment';

/**
 * Chooses what `mlflow gc` would remove (`mlflow/cli/__init__.py`, `_gc_tracking_resources`), but before
 * anything is: MLflow finds out half way that it must not.
 *
 * @throws NotFound, InvalidInput for an id whose bearer is active, or not as old as asked for.
 */
export async function planGarbage(
  collector: GarbageCollector,
  request: GarbageRequest,
): Promise<GarbagePlan> {
  const { runIds, experimentIds, modelIds } = request;
  const chosen = await choose(collector, 'experiment', experimentIds, request);
  const { experiments, kept, runs: theirs } = await judgeExperiments(collector, chosen, request);
  const runs = [...(await choose(collector, 'run', runIds, request)), ...theirs];
  const models = await choose(collector, 'logged_model', modelIds, request);
  const lost = await warnOfModels(collector, experiments, models);
  return {
    runs: [...new Map(runs.map((run) => [run.id, run])).values()],
    models,
    experiments,
    jobs: await chooseJobs(collector, request),
    warnings: [...kept, ...lost],
  };
}

/** Those that are named, each fit to go, or all that are deleted and old enough. */
async function choose(
  collector: GarbageCollector,
  kind: Kind,
  ids: readonly string[] | undefined,
  request: GarbageRequest,
): Promise<readonly GarbageItem[]> {
  if (ids === undefined) {
    const deleted = await collector.list(kind, { by: 'stage' });
    return deleted.filter((item) => isOldEnough(item, request));
  }
  const named = [...new Set(ids)];
  const found = await collector.list(kind, { by: 'ids', ids: named });
  const missing = named.find((id) => !found.some((item) => item.id === id));
  if (missing !== undefined && !request.mayMiss) {
    throw new NotFound(`there is no ${nameKind(kind)} with id ${missing}`);
  }
  for (const item of found) refuseUnfit(item, request);
  return found;
}

/** A store that keeps no jobs has none to lose (`SqlAlchemyJobStore.delete_jobs`). */
async function chooseJobs(
  collector: GarbageCollector,
  { jobs, olderThanMs = 0, nowMs }: GarbageRequest,
): Promise<readonly GarbageItem[]> {
  if (jobs === undefined) return [];
  const limit = olderThanMs > 0 ? { madeBeforeMs: nowMs - olderThanMs } : {};
  return (await collector.listJobs?.({ ids: jobs.ids, ...limit })) ?? [];
}

function refuseUnfit(item: GarbageItem, request: GarbageRequest): void {
  const { kind, id, stage } = item;
  const what = `${nameKind(kind)} ${id}`;
  if (stage !== 'deleted') {
    const group = kind === 'logged_model' ? undefined : `${kind}s`;
    throw new InvalidInput(`${what} is active: only what is deleted can be removed for good`, {
      hint: group && `delete it first: mlts ${group} delete --${kind}-id ${id}`,
    });
  }
  if (request.olderThanMs !== undefined && !isOldEnough(item, request)) {
    throw new InvalidInput(`${what} was deleted later than --older-than allows`, {
      hint: 'leave --older-than out, or wait',
    });
  }
}

/** An experiment has to be older than the limit, all else may be just as old; so MLflow compares. */
function isOldEnough(item: GarbageItem, { olderThanMs, nowMs }: GarbageRequest): boolean {
  const { kind, deletedAtMs } = item;
  if (kind === 'experiment' && olderThanMs === undefined) return true;
  if (deletedAtMs === undefined) return false;
  const limitMs = nowMs - (olderThanMs ?? 0);
  return kind === 'experiment' ? deletedAtMs < limitMs : deletedAtMs <= limitMs;
}

interface JudgedExperiments {
  readonly experiments: readonly GarbageItem[];
  /** Their deleted runs. */
  readonly runs: readonly GarbageItem[];
  readonly kept: readonly string[];
}

/**
 * Takes an experiment only with all of its runs: MLflow would drop the rows of those that were restored in
 * it or are too young.
 */
async function judgeExperiments(
  collector: GarbageCollector,
  chosen: readonly GarbageItem[],
  request: GarbageRequest,
): Promise<JudgedExperiments> {
  const ofThem = await collector.list('run', byExperiment(chosen));
  const runsOf = Map.groupBy(ofThem, ({ experimentId }) => experimentId);
  const reasons = new Map<string, string>();
  for (const { id } of chosen) {
    const reason = findReasonToKeep(runsOf.get(id) ?? [], request);
    if (reason !== undefined) reasons.set(id, `experiment ${id} stays: ${reason}`);
  }
  const [first] = reasons.values();
  if (request.experimentIds !== undefined && first !== undefined) throw new InvalidInput(first);
  const experiments = chosen.filter(({ id }) => !reasons.has(id));
  const runs = experiments.flatMap(({ id }) => runsOf.get(id) ?? []);
  return { experiments, runs, kept: [...reasons.values()] };
}

function findReasonToKeep(
  runs: readonly GarbageItem[],
  request: GarbageRequest,
): string | undefined {
  const active = runs.find(({ stage }) => stage !== 'deleted');
  if (active !== undefined) return `its run ${active.id} is active`;
  if (request.olderThanMs === undefined) return undefined;
  const young = runs.find((run) => !isOldEnough(run, request));
  return young && `its run ${young.id} was deleted later than --older-than allows`;
}

/** The rows of an experiment's models go with it, whatever their stage; MLflow says nothing of it. */
async function warnOfModels(
  collector: GarbageCollector,
  experiments: readonly GarbageItem[],
  models: readonly GarbageItem[],
): Promise<readonly string[]> {
  const going = new Set(models.map(({ id }) => id));
  const found = await collector.list('logged_model', byExperiment(experiments));
  return found
    .filter(({ id }) => !going.has(id))
    .map(
      ({ id, experimentId, artifactUri }) =>
        `logged model ${id} is forgotten with its experiment ${experimentId}; its artifacts stay: ${artifactUri}`,
    );
}

function byExperiment(experiments: readonly GarbageItem[]): GarbageSelection {
  return { by: 'experiments', ids: experiments.map(({ id }) => id) };
}

/** For people: `logged model`. */
export function nameKind(kind: GarbageItem['kind']): string {
  return kind.replace('_', ' ');
}
