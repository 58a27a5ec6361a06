import type { Tag } from './entities.ts';

/** MLflow's model registry as mlts passes it about; times are milliseconds since the epoch, UTC. */

/** In the order of `mlflow/entities/model_registry/model_version_stages.py`. */
export const MODEL_STAGES = ['None', 'Staging', 'Production', 'Archived'] as const;
export type ModelStage = (typeof MODEL_STAGES)[number];

/** In whatever case it is written; undefined where there is no such stage. */
export function findStage(text: string): ModelStage | undefined {
  return MODEL_STAGES.find((stage) => stage.toLowerCase() === text.toLowerCase());
}

/** A name for one version, such as `champion`. */
export interface ModelAlias {
  readonly alias: string;
  readonly version: number;
}

export interface RegisteredModel {
  readonly name: string;
  readonly description: string | undefined;
  readonly tags: readonly Tag[];
  readonly aliases: readonly ModelAlias[];
  /** The highest version of each stage that has one, oldest first. */
  readonly latestVersions: readonly ModelVersion[];
  readonly creationTimeMs: number | undefined;
  readonly lastUpdateTimeMs: number | undefined;
}

export interface ModelVersion {
  readonly name: string;
  readonly version: number;
  readonly stage: ModelStage;
  readonly aliases: readonly string[];
  readonly description: string | undefined;
  /** Where the model came from. */
  readonly source: string | undefined;
  readonly runId: string | undefined;
  readonly runLink: string | undefined;
  /** The logged model that it was made of, where the registry keeps that: databases and servers do not. */
  readonly modelId: string | undefined;
  readonly userId: string | undefined;
  readonly status: string;
  readonly statusMessage: string | undefined;
  readonly tags: readonly Tag[];
  readonly creationTimeMs: number | undefined;
  readonly lastUpdateTimeMs: number | undefined;
}
