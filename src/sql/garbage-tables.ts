import type { LifecycleStage } from '../core/entities.ts';

type Whole = number | bigint;

/** Columns that only the removal of deleted entities looks at. */
export type GarbageTables = {
  logged_models: {
    model_id: string;
    experiment_id: Whole;
    name: string;
    artifact_location: string;
    lifecycle_stage: LifecycleStage;
    last_updated_timestamp_ms: number;
  };
  jobs: { id: string; creation_time: number; job_name: string; status: number; workspace: string };
  workspaces: { name: string };
  trace_info: { experiment_id: Whole };
  scorers: { experiment_id: Whole };
  sql_trace_rollup_rebuild_queue: { experiment_id: Whole };
  sql_trace_metric_daily_rollups: { experiment_id: Whole };
  sql_span_cost_daily_rollups: { experiment_id: Whole };
  sql_assessment_daily_rollups: { experiment_id: Whole };
};
