import type { Migration, SchemaChange } from './migration.ts';
import {
  COST_COLUMNS,
  fillAssessments,
  fillSpans,
  fillTraceCosts,
  fillTraces,
  MOVED_METADATA,
  TOKEN_COLUMNS,
  TRACE_NAME_TAG,
} from './trace-backfill.ts';
import { checkDimensions, checkTracesExist } from './trace-checks.ts';

/**
 * What is asked about traces all the time moves out of tags, metadata and metrics into columns of its own, as in
 * `mlflow/store/db_migrations/versions/75868b020152_add_sql_trace_analytics_schema.py`.
 */
export const traceAnalytics: Migration = {
  revision: '75868b020152',
  summary: 'names, sessions, tokens and costs of traces in columns',
  async upgrade(change) {
    await checkTracesExist(change);
    await checkDimensions(change);
    await addColumns(change);
    await fillTraces(change);
    await fillSpans(change);
    await fillTraceCosts(change);
    await fillAssessments(change);
    await change.alterTable('assessments', { required: ['is_numeric_value'] });
    await change.run(ROLLUPS);
    await deleteMoved(change);
    await change.alterTable('spans', { dropColumns: ['dimension_attributes'] });
    await change.run(INDEXES);
  },
};

/** `mlflow db prepopulate-trace-analytics` may have made some of them before. */
async function addColumns(change: SchemaChange): Promise<void> {
  for (const [table, columns] of Object.entries(COLUMNS)) {
    const present = await change.listColumns(table);
    const missing = columns.filter((column) => !present.includes(column.split(' ')[0] ?? ''));
    await change.alterTable(table, { addColumns: missing });
  }
}

async function deleteMoved({ transaction }: SchemaChange): Promise<void> {
  const moved = {
    trace_tags: [TRACE_NAME_TAG],
    trace_request_metadata: MOVED_METADATA,
    trace_metrics: TOKEN_COLUMNS,
    span_metrics: COST_COLUMNS,
  };
  for (const [table, keys] of Object.entries(moved)) {
    await transaction.deleteFrom(table).where('key', 'in', keys).execute();
  }
}

const COSTS = ['input_cost FLOAT', 'output_cost FLOAT', 'total_cost FLOAT'];

const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  trace_info: [
    'trace_name VARCHAR(4096)',
    'session_id VARCHAR(250)',
    ...TOKEN_COLUMNS.map((column) => `${column} BIGINT`),
    ...COSTS,
  ],
  assessments: [
    'experiment_id INTEGER',
    'trace_timestamp_ms BIGINT',
    'aggregate_value FLOAT',
    'is_numeric_value BOOLEAN DEFAULT {false}',
  ],
  spans: [...COSTS, 'model_name VARCHAR(500)', 'model_provider VARCHAR(500)'],
};

const ROLLUPS = `
    CREATE TABLE sql_trace_metric_daily_rollups (
      id {identity},
      experiment_id INTEGER NOT NULL,
      rollup_day DATE NOT NULL,
      metric_name VARCHAR(250) NOT NULL,
      grouping_set VARCHAR(50) NOT NULL,
      trace_status VARCHAR(50),
      sample_count BIGINT NOT NULL,
      sum_value FLOAT,
      min_value FLOAT,
      max_value FLOAT,
      p50_value FLOAT,
      p90_value FLOAT,
      p99_value FLOAT,
      CONSTRAINT sql_trace_metric_daily_rollups_pk PRIMARY KEY (id)
    );
    CREATE TABLE sql_span_cost_daily_rollups (
      id {identity},
      experiment_id INTEGER NOT NULL,
      rollup_day DATE NOT NULL,
      metric_name VARCHAR(250) NOT NULL,
      grouping_set VARCHAR(50) NOT NULL,
      model_name VARCHAR(500),
      model_provider VARCHAR(500),
      sample_count BIGINT NOT NULL,
      sum_value FLOAT,
      min_value FLOAT,
      max_value FLOAT,
      CONSTRAINT sql_span_cost_daily_rollups_pk PRIMARY KEY (id)
    );
    CREATE TABLE sql_assessment_daily_rollups (
      id {identity},
      experiment_id INTEGER NOT NULL,
      rollup_day DATE NOT NULL,
      metric_name VARCHAR(250) NOT NULL,
      grouping_set VARCHAR(50) NOT NULL,
      sample_count BIGINT NOT NULL,
      sum_value FLOAT,
      min_value FLOAT,
      max_value FLOAT,
      CONSTRAINT sql_assessment_daily_rollups_pk PRIMARY KEY (id)
    );
    CREATE TABLE sql_trace_rollup_rebuild_queue (
      experiment_id INTEGER NOT NULL,
      rollup_day DATE NOT NULL,
      rollup_family VARCHAR(50) NOT NULL,
      CONSTRAINT sql_trace_rollup_rebuild_queue_pk PRIMARY KEY (experiment_id, rollup_day, rollup_family)
    );
`;

const INDEXES = `
  CREATE INDEX index_trace_info_experiment_id_session_id ON trace_info (experiment_id, session_id);
  CREATE INDEX idx_trace_rollups_lookup ON sql_trace_metric_daily_rollups (experiment_id, rollup_day, metric_name, grouping_set, trace_status);
  CREATE INDEX idx_span_cost_rollups_lookup ON sql_span_cost_daily_rollups (experiment_id, rollup_day, metric_name, grouping_set, model_name, model_provider);
  CREATE INDEX idx_assessment_rollups_lookup ON sql_assessment_daily_rollups (experiment_id, rollup_day, metric_name, grouping_set);
  CREATE INDEX idx_spans_cost_trace_time_cover ON spans (trace_id, start_time_unix_nano){covering};
  CREATE INDEX idx_spans_cost_exp_time_cover ON spans (experiment_id, start_time_unix_nano){covering};
  CREATE INDEX idx_assessments_exp_trace_ts ON assessments (experiment_id, trace_timestamp_ms);
  CREATE INDEX idx_assessments_exp_trace_ts_name ON assessments (experiment_id, trace_timestamp_ms, name);
  CREATE INDEX idx_assessments_exp_name_valid ON assessments (experiment_id, name, valid);
`;
