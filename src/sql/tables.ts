import type { Generated } from 'kysely';
import type { LifecycleStage, RunStatus } from '../core/entities.ts';
import type { LoggedModelTables } from './logged-model-tables.ts';
import type { RegistryTables } from './registry-tables.ts';

/** A boolean as the driver takes and gives it: SQLite has numbers only. */
export type Flag = boolean | number;

/** A whole number; PostgreSQL's bigint is read as one by `postgres.ts`. */
type Whole = number | bigint;

/** The columns that mlts reads or writes, of the tables in `schema/`. */
export interface Tables extends RegistryTables, LoggedModelTables {
  alembic_version: { version_num: string };
  experiments: {
    experiment_id: Generated<Whole>;
    name: string;
    artifact_location: string | null;
    lifecycle_stage: LifecycleStage;
    creation_time: number | null;
    last_update_time: number | null;
    workspace: Generated<string>;
  };
  experiment_tags: { key: string; value: string | null; experiment_id: Whole };
  runs: {
    run_uuid: string;
    name: string | null;
    source_type: string | null;
    source_name: string | null;
    entry_point_name: string | null;
    user_id: string | null;
    status: RunStatus;
    start_time: number | null;
    end_time: number | null;
    deleted_time: number | null;
    source_version: string | null;
    lifecycle_stage: LifecycleStage;
    artifact_uri: string | null;
    experiment_id: Whole;
  };
  tags: { key: string; value: string | null; run_uuid: string };
  params: { key: string; value: string; run_uuid: string };
  metrics: MetricRow;
  latest_metrics: MetricRow;
  datasets: {
    dataset_uuid: string;
    experiment_id: Whole;
    name: string;
    digest: string;
    dataset_source_type: string;
    dataset_source: string;
    dataset_schema: string | null;
    dataset_profile: string | null;
  };
  /** What went into a run and came out of it: datasets and logged models. */
  inputs: {
    input_uuid: string;
    source_type: string;
    source_id: string;
    destination_type: string;
    destination_id: string;
    step: Generated<number>;
  };
  input_tags: { input_uuid: string; name: string; value: string };
}

export interface MetricRow {
  key: string;
  value: number;
  timestamp: number;
  step: number;
  is_nan: Flag;
  run_uuid: string;
}
