/** What a folder holds and a database takes, with the rows that it becomes; in the order of MLflow's summary. */
export const ENTITY_TABLES = {
  experiments: ['experiments'],
  experiment_tags: ['experiment_tags'],
  runs: ['runs'],
  params: ['params'],
  tags: ['tags'],
  metrics: ['metrics'],
  latest_metrics: ['latest_metrics'],
  datasets: ['datasets'],
  inputs: ['inputs', "source_type <> 'RUN_OUTPUT'"],
  input_tags: ['input_tags'],
  outputs: ['inputs', "source_type = 'RUN_OUTPUT'"],
  traces: ['trace_info'],
  trace_tags: ['trace_tags'],
  trace_metadata: ['trace_request_metadata'],
  assessments: ['assessments'],
  logged_models: ['logged_models'],
  logged_model_params: ['logged_model_params'],
  logged_model_tags: ['logged_model_tags'],
  logged_model_metrics: ['logged_model_metrics'],
  registered_models: ['registered_models'],
  registered_model_tags: ['registered_model_tags'],
  registered_model_aliases: ['registered_model_aliases'],
  model_versions: ['model_versions'],
  model_version_tags: ['model_version_tags'],
} as const satisfies Record<string, readonly [table: string, condition?: string]>;

export type Entity = keyof typeof ENTITY_TABLES;

export const ENTITIES = Object.keys(ENTITY_TABLES) as readonly Entity[];

/** How much of one kind was found in the folder, and what became of it. */
export interface EntityCount {
  readonly entity: Entity;
  /** Rows in the database, counted there. */
  readonly stored: number;
  /** Found again with the same key, as metric lines logged twice: one row. */
  readonly repeated: number;
}
