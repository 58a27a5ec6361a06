import type { Experiment, Metric, Param, Run, RunInfo, RunStatus, Tag } from '../core/entities.ts';

export interface NewExperiment {
  readonly name: string;
  /** Where its runs' artifacts go; absent: below the store's artifact root. */
  readonly artifactLocation?: string;
  readonly tags?: readonly Tag[];
}

export interface NewRun {
  readonly experimentId: string;
  readonly userId: string;
  readonly startTimeMs: number;
  readonly tags: readonly Tag[];
  /** Absent: the `mlflow.runName` tag, else a name that MLflow would make up (`bold-fox-123`). */
  readonly runName?: string;
}

export interface RunUpdate {
  readonly status?: RunStatus;
  readonly endTimeMs?: number;
  readonly runName?: string;
}

export interface RunData {
  readonly params?: readonly Param[];
  readonly tags?: readonly Tag[];
  readonly metrics?: readonly Metric[];
}

/**
 * Where experiments and runs live. Each implementation keeps MLflow's data as MLflow 3.17 keeps it
 * (`mlflow/store/tracking/abstract_store.py`), so that Python's client reads what is written here.
 *
 * Every method throws `NotFound` for unknown ids, `InvalidInput` for what MLflow refuses,
 * `AlreadyExists` for a name in use, `Unavailable` when the store cannot be reached.
 */
export interface TrackingStore {
  /** The address that a child process on this machine is given as MLFLOW_TRACKING_URI. */
  readonly uri: string;
  getExperiment(experimentId: string): Promise<Experiment>;
  getExperimentByName(name: string): Promise<Experiment | undefined>;
  /** Returns the new experiment's id. */
  createExperiment(experiment: NewExperiment): Promise<string>;
  createRun(run: NewRun): Promise<Run>;
  getRun(runId: string): Promise<Run>;
  /** All or nothing, as MLflow's log-batch. A param that exists with another value is refused. */
  logBatch(runId: string, data: RunData): Promise<void>;
  updateRun(runId: string, update: RunUpdate): Promise<RunInfo>;
  close(): Promise<void>;
}
