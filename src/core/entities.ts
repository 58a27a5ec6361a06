/** MLflow's entities as mlts passes them about; times are milliseconds since the epoch, UTC. */

export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED';
export type LifecycleStage = 'active' | 'deleted';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface Param {
  readonly key: string;
  readonly value: string;
}

export interface Metric {
  readonly key: string;
  readonly value: number;
  readonly timestampMs: number;
  readonly step: number;
  /** The logged model that was measured; stores keep such a metric with the model too. */
  readonly modelId?: string | undefined;
  /** What it was measured on. */
  readonly dataset?: DatasetName | undefined;
}

/** A dataset as metrics name it. */
export interface DatasetName {
  readonly name: string;
  readonly digest: string;
}

export interface Experiment {
  readonly id: string;
  readonly name: string;
  readonly artifactLocation: string;
  readonly lifecycleStage: LifecycleStage;
  readonly tags: readonly Tag[];
  readonly creationTimeMs: number | undefined;
  readonly lastUpdateTimeMs: number | undefined;
}

export interface RunInfo {
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  readonly userId: string;
  readonly status: RunStatus;
  readonly startTimeMs: number | undefined;
  readonly endTimeMs: number | undefined;
  readonly artifactUri: string;
  readonly lifecycleStage: LifecycleStage;
}

/** `metrics` holds the latest value of each key, as MLflow's `run.data.metrics` does. */
export interface Run {
  readonly info: RunInfo;
  readonly params: readonly Param[];
  readonly tags: readonly Tag[];
  readonly metrics: readonly Metric[];
}

export interface Dataset extends DatasetName {
  readonly sourceType: string;
  readonly source: string;
  readonly schema: string | undefined;
  readonly profile: string | undefined;
}

/** A dataset as a run used it; the tag `mlflow.data.context` says for what. */
export interface DatasetInput {
  readonly dataset: Dataset;
  readonly tags: readonly Tag[];
}

/** A dataset that went into runs of an experiment, and what for (the tag `mlflow.data.context`). */
export interface DatasetSummary extends DatasetName {
  readonly experimentId: string;
  readonly context: string | undefined;
}

/** A GenAI evaluation dataset; its records are not read. */
export interface EvaluationDataset {
  readonly id: string;
  readonly name: string;
  readonly digest: string | undefined;
  readonly createdTimeMs: number | undefined;
  readonly lastUpdateTimeMs: number | undefined;
  readonly createdBy: string | undefined;
  readonly lastUpdatedBy: string | undefined;
  readonly tags: readonly Tag[];
}

/** What a run was given. */
export interface RunInputs {
  readonly datasetInputs: readonly DatasetInput[];
  /** Ids of logged models. */
  readonly modelInputs: readonly string[];
}

/** What a run was given and made. */
export interface RunLinks extends RunInputs {
  readonly modelOutputs: readonly ModelOutput[];
}

export interface ModelOutput {
  readonly modelId: string;
  readonly step: number;
}

/** FINISHED, FAILED and KILLED are final (`mlflow/entities/run_status.py`). */
export function isTerminated(status: RunStatus): boolean {
  return status === 'FINISHED' || status === 'FAILED' || status === 'KILLED';
}
