import type { LifecycleStage } from '../core/entities.ts';

export type GarbageKind = 'run' | 'logged_model' | 'experiment' | 'job';

/** Something that a store may forget for good. */
export interface GarbageItem {
  readonly kind: GarbageKind;
  readonly id: string;
  readonly name: string;
  /** '' for a job. */
  readonly experimentId: string;
  readonly stage: LifecycleStage;
  /** When it was deleted; undefined where nobody wrote that down. */
  readonly deletedAtMs: number | undefined;
  /** Where its own artifacts lie; '' where it has none. */
  readonly artifactUri: string;
  readonly workspace: string;
}

/** Which ones: by their ids, by the experiments that hold them, or all that are deleted. */
export type GarbageSelection =
  | { readonly by: 'ids' | 'experiments'; readonly ids: readonly string[] }
  | { readonly by: 'stage' };

export interface JobSelection {
  /** Absent: all that have come to an end. */
  readonly ids?: readonly string[] | undefined;
  /** Absent: of any age. */
  readonly madeBeforeMs?: number | undefined;
}

/**
 * What forgets deleted experiments, runs and logged models for good: the part of MLflow's stores that
 * `mlflow gc` alone uses (`_hard_delete_run` and its like). Artifacts are none of its business.
 */
export interface GarbageCollector {
  /** The address of the store. */
  readonly uri: string;
  /** In the order of their deletion; ids that are none find nothing. @throws InvalidInput for impossible ids. */
  list(
    kind: Exclude<GarbageKind, 'job'>,
    selection: GarbageSelection,
  ): Promise<readonly GarbageItem[]>;
  /** Jobs that have come to an end; only a database keeps any. */
  listJobs?(selection: JobSelection): Promise<readonly GarbageItem[]>;
  /**
   * Removes all that the store holds of it; what is gone already is no matter.
   *
   * @throws InvalidInput for what has been restored since it was listed.
   */
  remove(item: GarbageItem): Promise<void>;
  close(): Promise<void>;
}
