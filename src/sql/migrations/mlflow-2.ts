import type { Migration } from './migration.ts';

/** MLflow 1.22 to 2.22: what a run uses, aliases, traces. */
export const fromMlflow2: readonly Migration[] = [
  {
    revision: 'bd07f7e963c5',
    summary: 'indexes on the runs of params, tags and metrics',
    script: `
      CREATE INDEX index_params_run_uuid ON params (run_uuid);
      CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);
      CREATE INDEX index_latest_metrics_run_uuid ON latest_metrics (run_uuid);
      CREATE INDEX index_tags_run_uuid ON tags (run_uuid);
    `,
  },
  {
    revision: '0c779009ac13',
    summary: 'the time when a run was deleted',
    script: `
      ALTER TABLE runs ADD COLUMN deleted_time BIGINT;
    `,
  },
  {
    revision: 'cc1f77228345',
    summary: 'params of 500 characters',
    alter: { params: { types: { value: 'VARCHAR(500)' } } },
  },
  {
    revision: '97727af70f4d',
    summary: 'times of experiments',
    script: `
      ALTER TABLE experiments ADD COLUMN creation_time BIGINT;
      ALTER TABLE experiments ADD COLUMN last_update_time BIGINT;
    `,
  },
  {
    revision: '3500859a5d39',
    summary: 'aliases of registered models',
    script: `
      CREATE TABLE registered_model_aliases (
        alias VARCHAR(256) NOT NULL,
        version INTEGER NOT NULL,
        name VARCHAR(256) NOT NULL,
        CONSTRAINT registered_model_alias_pk PRIMARY KEY (name, alias),
        CONSTRAINT registered_model_alias_name_fkey FOREIGN KEY (name) REFERENCES registered_models (name) ON DELETE cascade ON UPDATE cascade
      );
    `,
  },
  {
    revision: '7f2a7d5fae7d',
    summary: 'datasets, and what goes into runs',
    script: `
      CREATE TABLE datasets (
        dataset_uuid VARCHAR(36) NOT NULL,
        experiment_id INTEGER NOT NULL,
        name VARCHAR(500) NOT NULL,
        digest VARCHAR(36) NOT NULL,
        dataset_source_type VARCHAR(36) NOT NULL,
        dataset_source TEXT NOT NULL,
        dataset_schema TEXT,
        dataset_profile TEXT,
        CONSTRAINT dataset_pk PRIMARY KEY (experiment_id, name, digest),
        FOREIGN KEY (experiment_id) REFERENCES experiments (experiment_id)
      );
      CREATE INDEX index_datasets_experiment_id_dataset_source_type ON datasets (experiment_id, dataset_source_type);
      CREATE INDEX index_datasets_dataset_uuid ON datasets (dataset_uuid);
      CREATE TABLE inputs (
        input_uuid VARCHAR(36) NOT NULL,
        source_type VARCHAR(36) NOT NULL,
        source_id VARCHAR(36) NOT NULL,
        destination_type VARCHAR(36) NOT NULL,
        destination_id VARCHAR(36) NOT NULL,
        CONSTRAINT inputs_pk PRIMARY KEY (source_type, source_id, destination_type, destination_id)
      );
      CREATE INDEX index_inputs_input_uuid ON inputs (input_uuid);
      CREATE INDEX index_inputs_destination_type_destination_id_source_type ON inputs (destination_type, destination_id, source_type);
      CREATE TABLE input_tags (
        input_uuid VARCHAR(36) NOT NULL,
        name VARCHAR(255) NOT NULL,
        value VARCHAR(500) NOT NULL,
        CONSTRAINT input_tags_pk PRIMARY KEY (input_uuid, name)
      );
    `,
  },
  {
    revision: '2d6e25af4d3e',
    summary: 'params of 8,000 characters',
    alter: { params: { types: { value: 'VARCHAR(8000)' } } },
  },
  {
    revision: 'acf3f17fdcc7',
    summary: 'where the files of model versions lie',
    script: `
      ALTER TABLE model_versions ADD COLUMN storage_location VARCHAR(500);
    `,
  },
  {
    revision: '867495a8f9d4',
    summary: 'traces',
    script: `
      CREATE TABLE trace_info (
        request_id VARCHAR(50) NOT NULL,
        experiment_id INTEGER NOT NULL,
        timestamp_ms BIGINT NOT NULL,
        execution_time_ms BIGINT,
        status VARCHAR(50) NOT NULL,
        CONSTRAINT trace_info_pk PRIMARY KEY (request_id),
        CONSTRAINT fk_trace_info_experiment_id FOREIGN KEY (experiment_id) REFERENCES experiments (experiment_id)
      );
      CREATE INDEX index_trace_info_experiment_id_timestamp_ms ON trace_info (experiment_id, timestamp_ms);
      CREATE TABLE trace_tags (
        key VARCHAR(250) NOT NULL,
        value VARCHAR(8000),
        request_id VARCHAR(50) NOT NULL,
        CONSTRAINT trace_tag_pk PRIMARY KEY (key, request_id),
        CONSTRAINT fk_trace_tags_request_id FOREIGN KEY (request_id) REFERENCES trace_info (request_id)
      );
      CREATE INDEX index_trace_tags_request_id ON trace_tags (request_id);
      CREATE TABLE trace_request_metadata (
        key VARCHAR(250) NOT NULL,
        value VARCHAR(8000),
        request_id VARCHAR(50) NOT NULL,
        CONSTRAINT trace_request_metadata_pk PRIMARY KEY (key, request_id),
        CONSTRAINT fk_trace_request_metadata_request_id FOREIGN KEY (request_id) REFERENCES trace_info (request_id)
      );
      CREATE INDEX index_trace_request_metadata_request_id ON trace_request_metadata (request_id);
    `,
  },
  {
    revision: '5b0e9adcef9c',
    summary: 'tags and metadata go with their trace',
    alter: {
      trace_tags: {
        dropConstraints: [{ kind: 'foreign key', to: 'trace_info' }],
        addConstraints: [
          'CONSTRAINT fk_trace_tags_request_id FOREIGN KEY (request_id) REFERENCES trace_info (request_id) ON DELETE CASCADE',
        ],
      },
      trace_request_metadata: {
        dropConstraints: [{ kind: 'foreign key', to: 'trace_info' }],
        addConstraints: [
          'CONSTRAINT fk_trace_request_metadata_request_id FOREIGN KEY (request_id) REFERENCES trace_info (request_id) ON DELETE CASCADE',
        ],
      },
    },
  },
  {
    revision: '4465047574b1',
    summary: 'nothing here: larger datasets on MySQL',
  },
  {
    revision: 'f5a4f2784254',
    summary: 'run tags of 8,000 characters',
    alter: { tags: { types: { value: 'VARCHAR(8000)' } } },
  },
  {
    revision: '0584bdc529eb',
    summary: 'datasets go with their experiment',
    alter: {
      datasets: {
        dropConstraints: [{ kind: 'foreign key', to: 'experiments' }],
        addConstraints: [
          'CONSTRAINT fk_datasets_experiment_id_experiments FOREIGN KEY (experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE',
        ],
      },
    },
  },
];
