/** Values as JSON, with what Python reads otherwise than JavaScript; each becomes a trace of its own. */
const TOKENS = [
  '{"input_tokens": 5, "output_tokens": 2.0, "total_tokens": "7"}',
  '{"total_tokens": 9007199254740993}',
  '{"total_tokens": 9223372036854775807, "input_tokens": 9223372036854775808}',
  '{"input_tokens": " 7 ", "output_tokens": "1_000", "total_tokens": "1e3"}',
  '{"input_tokens": true, "output_tokens": null, "total_tokens": 0.5}',
  '{"input_tokens": -3, "output_tokens": "-0.0", "total_tokens": "x"}',
  '{"input_tokens": NaN, "output_tokens": 1e400, "total_tokens": 1e18, "cache_read_input_tokens": 3}',
  '{"input_tokens": [1], "output_tokens": "1500e-2", "total_tokens": "15e-2"}',
  '[1, 2]',
  'no json',
  '12',
];
const COSTS = [
  '{"input_cost": 0.1, "output_cost": "0.25", "total_cost": 1}',
  '{"input_cost": NaN, "output_cost": Infinity, "total_cost": 0.5}',
  '{"input_cost": "nan", "output_cost": " 1.5 ", "total_cost": "1_0.5"}',
  '{"input_cost": false, "output_cost": [], "total_cost": "much"}',
];
const ASSESSMENTS = [
  'true',
  'false',
  '0.5',
  '7',
  '1e400',
  'NaN',
  '"yes"',
  '" No "',
  'yes',
  'no json',
  'null',
  '["yes"]',
  '"fine"',
];

function insert(
  table: string,
  values: Readonly<Record<string, string | number | boolean>>,
): string {
  const shown = Object.values(values).map((value) =>
    typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value),
  );
  return `insert into ${table} (${Object.keys(values).join(', ')}) values (${shown.join(', ')})`;
}

const trace = (id: string) =>
  insert('trace_info', { request_id: id, experiment_id: 1, timestamp_ms: 1_700, status: 'OK' });
const text = (table: string, id: string, key: string, value: string | number) =>
  insert(table, { request_id: id, key, value });
const span = (id: string, spanId: string, dimensions: string) =>
  insert('spans', {
    trace_id: id,
    experiment_id: 1,
    span_id: spanId,
    status: 'OK',
    start_time_unix_nano: 1,
    end_time_unix_nano: 5,
    content: '{}',
    dimension_attributes: dimensions,
  });
const spanMetric = (id: string, spanId: string, key: string, value: number) =>
  insert('span_metrics', { trace_id: id, span_id: spanId, key, value });

/** Rows that revision 75868b020152 reads, as statements with a semicolon and a line end between them. */
export const TRACE_ROWS = [
  insert('experiments', { experiment_id: 1, name: 'churn', lifecycle_stage: 'active' }),
  ...TOKENS.flatMap((value, index) => [
    trace(`tokens-${index}`),
    text('trace_request_metadata', `tokens-${index}`, 'mlflow.trace.tokenUsage', value),
    text('trace_request_metadata', `tokens-${index}`, 'other', 'stays'),
  ]),
  ...COSTS.flatMap((value, index) => [
    trace(`cost-${index}`),
    text('trace_request_metadata', `cost-${index}`, 'mlflow.trace.cost', value),
  ]),
  trace('named'),
  text('trace_tags', 'named', 'mlflow.traceName', `✓${'n'.repeat(4_200)}`),
  text('trace_tags', 'named', 'kind', 'stays'),
  text('trace_request_metadata', 'named', 'mlflow.trace.session', '😀'.repeat(260)),
  text('trace_request_metadata', 'named', 'mlflow.trace.tokenUsage', '{"input_tokens": 1}'),
  text('trace_metrics', 'named', 'input_tokens', 12),
  text('trace_metrics', 'named', 'output_tokens', 12.5),
  text('trace_metrics', 'named', 'latency', 0.5),
  span('named', 'a', '{"mlflow.llm.model": "large", "mlflow.llm.provider": null}'),
  span('named', 'b', 'null'),
  spanMetric('named', 'a', 'input_cost', 0.1),
  spanMetric('named', 'a', 'latency', 3),
  trace('gateway'),
  text('trace_request_metadata', 'gateway', 'mlflow.gateway.endpointId', 'e'),
  span('gateway', 'a', '{"mlflow.llm.model": "small"}'),
  span('gateway', 'b', '{}'),
  spanMetric('gateway', 'a', 'total_cost', 0.25),
  spanMetric('gateway', 'b', 'total_cost', 0.5),
  ...ASSESSMENTS.map((value, index) =>
    insert('assessments', {
      assessment_id: `a-${index}`,
      trace_id: 'named',
      name: 'check',
      assessment_type: 'feedback',
      value,
      created_timestamp: 1,
      last_updated_timestamp: 1,
      source_type: 'HUMAN',
      valid: true,
    }),
  ),
  ...[0, 1, 2, 3].map((status) =>
    insert('jobs', {
      id: `job-${status}`,
      creation_time: 1,
      job_name: 'j',
      params: '{}',
      status,
      retry_count: 0,
      last_update_time: 1,
    }),
  ),
].join(';\n');
