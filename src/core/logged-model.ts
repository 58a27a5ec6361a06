import type { Metric, Param, Tag } from './entities.ts';

/** In the order of their numbers in stores (`mlflow/entities/logged_model_status.py`). */
export const LOGGED_MODEL_STATUSES = ['UNSPECIFIED', 'PENDING', 'READY', 'FAILED'] as const;
export type LoggedModelStatus = (typeof LOGGED_MODEL_STATUSES)[number];

/** A metric of a model: the run that measured it, and on what. */
export interface LoggedModelMetric extends Metric {
  readonly modelId: string;
  readonly runId: string;
}

/** A model as a run made it, known by an id of its own since MLflow 3; times are milliseconds since the epoch, UTC. */
export interface LoggedModel {
  /** `m-` and 32 hex digits. */
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  readonly artifactUri: string;
  readonly status: LoggedModelStatus;
  readonly statusMessage: string | undefined;
  /** Such as `Agent`. */
  readonly modelType: string | undefined;
  readonly sourceRunId: string | undefined;
  readonly creationTimeMs: number;
  readonly lastUpdateTimeMs: number;
  readonly tags: readonly Tag[];
  readonly params: readonly Param[];
  readonly metrics: readonly LoggedModelMetric[];
}
