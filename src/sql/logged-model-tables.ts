import type { LifecycleStage } from '../core/entities.ts';

type Whole = number | bigint;

/** The tables of the models that runs have logged (MLflow 3). */
export interface LoggedModelTables {
  logged_models: {
    model_id: string;
    experiment_id: Whole;
    name: string;
    artifact_location: string;
    creation_timestamp_ms: number;
    last_updated_timestamp_ms: number;
    /** Its place in `LOGGED_MODEL_STATUSES`. */
    status: number;
    lifecycle_stage: LifecycleStage | null;
    model_type: string | null;
    source_run_id: string | null;
    status_message: string | null;
  };
  logged_model_metrics: {
    model_id: string;
    metric_name: string;
    metric_timestamp_ms: number;
    metric_step: number;
    metric_value: number | null;
    experiment_id: Whole;
    run_id: string;
    dataset_name: string | null;
    dataset_digest: string | null;
  };
  logged_model_params: {
    model_id: string;
    experiment_id: Whole;
    param_key: string;
    param_value: string;
  };
  logged_model_tags: {
    model_id: string;
    experiment_id: Whole;
    tag_key: string;
    tag_value: string;
  };
}
