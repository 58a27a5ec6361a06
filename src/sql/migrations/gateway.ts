import type { Migration } from './migration.ts';

/** What identifies a secret is part of its encryption. PostgreSQL keeps the text as it is written. */
const SECRETS_GUARD = {
  sqlite: `
    CREATE TRIGGER prevent_secrets_aad_mutation
    BEFORE UPDATE ON secrets
    FOR EACH ROW
    WHEN OLD.secret_id != NEW.secret_id OR OLD.secret_name != NEW.secret_name
    BEGIN
      SELECT RAISE(ABORT, 'secret_id and secret_name are immutable (used as AAD in encryption)');
    END;
  `,
  postgres: `
CREATE OR REPLACE FUNCTION prevent_secrets_aad_mutation()
RETURNS TRIGGER AS $$
BEGIN
    IF OLD.secret_id != NEW.secret_id OR OLD.secret_name != NEW.secret_name THEN
        RAISE EXCEPTION 'secret_id and secret_name are immutable (used as AAD in encryption)';
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;
CREATE TRIGGER prevent_secrets_aad_mutation
BEFORE UPDATE ON secrets
FOR EACH ROW
EXECUTE FUNCTION prevent_secrets_aad_mutation();
  `,
} as const;

/** MLflow 3.6 to 3.9: jobs, and the gateway to language models. */
export const gateway: readonly Migration[] = [
  {
    revision: 'bf29a5ff90ea',
    summary: 'jobs',
    script: `
      CREATE TABLE jobs (
        id VARCHAR(36) NOT NULL,
        creation_time BIGINT NOT NULL,
        function_fullname VARCHAR(500) NOT NULL,
        params TEXT NOT NULL,
        timeout FLOAT,
        status INTEGER NOT NULL,
        result TEXT,
        retry_count INTEGER NOT NULL,
        last_update_time BIGINT NOT NULL,
        CONSTRAINT jobs_pk PRIMARY KEY (id)
      );
      CREATE INDEX index_jobs_function_status_creation_time ON jobs (function_fullname, status, creation_time);
    `,
  },
  {
    revision: '1bd49d398cd23',
    summary: 'secrets and endpoints of the gateway',
    script: `
      CREATE TABLE secrets (
        secret_id VARCHAR(36) NOT NULL,
        secret_name VARCHAR(255) NOT NULL,
        encrypted_value {blob} NOT NULL,
        wrapped_dek {blob} NOT NULL,
        kek_version INTEGER NOT NULL,
        masked_value VARCHAR(500) NOT NULL,
        provider VARCHAR(64),
        auth_config TEXT,
        description TEXT,
        created_by VARCHAR(255),
        created_at BIGINT NOT NULL,
        last_updated_by VARCHAR(255),
        last_updated_at BIGINT NOT NULL,
        CONSTRAINT secrets_pk PRIMARY KEY (secret_id)
      );
      CREATE UNIQUE INDEX unique_secret_name ON secrets (secret_name);
      CREATE TABLE endpoints (
        endpoint_id VARCHAR(36) NOT NULL,
        name VARCHAR(255),
        created_by VARCHAR(255),
        created_at BIGINT NOT NULL,
        last_updated_by VARCHAR(255),
        last_updated_at BIGINT NOT NULL,
        CONSTRAINT endpoints_pk PRIMARY KEY (endpoint_id)
      );
      CREATE UNIQUE INDEX unique_endpoint_name ON endpoints (name);
      CREATE TABLE model_definitions (
        model_definition_id VARCHAR(36) NOT NULL,
        name VARCHAR(255) NOT NULL,
        secret_id VARCHAR(36),
        provider VARCHAR(64) NOT NULL,
        model_name VARCHAR(256) NOT NULL,
        created_by VARCHAR(255),
        created_at BIGINT NOT NULL,
        last_updated_by VARCHAR(255),
        last_updated_at BIGINT NOT NULL,
        CONSTRAINT model_definitions_pk PRIMARY KEY (model_definition_id),
        CONSTRAINT fk_model_definitions_secret_id FOREIGN KEY (secret_id) REFERENCES secrets (secret_id) ON DELETE SET NULL
      );
      CREATE UNIQUE INDEX unique_model_definition_name ON model_definitions (name);
      CREATE INDEX index_model_definitions_secret_id ON model_definitions (secret_id);
      CREATE INDEX index_model_definitions_provider ON model_definitions (provider);
      CREATE TABLE endpoint_model_mappings (
        mapping_id VARCHAR(36) NOT NULL,
        endpoint_id VARCHAR(36) NOT NULL,
        model_definition_id VARCHAR(36) NOT NULL,
        weight FLOAT NOT NULL,
        created_by VARCHAR(255),
        created_at BIGINT NOT NULL,
        CONSTRAINT endpoint_model_mappings_pk PRIMARY KEY (mapping_id),
        CONSTRAINT fk_endpoint_model_mappings_endpoint_id FOREIGN KEY (endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE CASCADE,
        CONSTRAINT fk_endpoint_model_mappings_model_definition_id FOREIGN KEY (model_definition_id) REFERENCES model_definitions (model_definition_id)
      );
      CREATE INDEX index_endpoint_model_mappings_endpoint_id ON endpoint_model_mappings (endpoint_id);
      CREATE INDEX index_endpoint_model_mappings_model_definition_id ON endpoint_model_mappings (model_definition_id);
      CREATE UNIQUE INDEX unique_endpoint_model_mapping ON endpoint_model_mappings (endpoint_id, model_definition_id);
      CREATE TABLE endpoint_bindings (
        endpoint_id VARCHAR(36) NOT NULL,
        resource_type VARCHAR(50) NOT NULL,
        resource_id VARCHAR(255) NOT NULL,
        created_at BIGINT NOT NULL,
        created_by VARCHAR(255),
        last_updated_at BIGINT NOT NULL,
        last_updated_by VARCHAR(255),
        CONSTRAINT endpoint_bindings_pk PRIMARY KEY (endpoint_id, resource_type, resource_id),
        CONSTRAINT fk_endpoint_bindings_endpoint_id FOREIGN KEY (endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE CASCADE
      );
      CREATE TABLE endpoint_tags (
        key VARCHAR(250) NOT NULL,
        value VARCHAR(5000),
        endpoint_id VARCHAR(36) NOT NULL,
        CONSTRAINT endpoint_tag_pk PRIMARY KEY (key, endpoint_id),
        CONSTRAINT fk_endpoint_tags_endpoint_id FOREIGN KEY (endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE CASCADE
      );
      CREATE INDEX index_endpoint_tags_endpoint_id ON endpoint_tags (endpoint_id);
    `,
    upgrade: (change) => change.run(SECRETS_GUARD[change.dialect]),
  },
  {
    revision: 'b7c8d9e0f1a2',
    summary: 'metrics of traces',
    script: `
      CREATE TABLE trace_metrics (
        request_id VARCHAR(50) NOT NULL,
        key VARCHAR(250) NOT NULL,
        value FLOAT,
        CONSTRAINT trace_metrics_pk PRIMARY KEY (request_id, key),
        CONSTRAINT fk_trace_metrics_request_id FOREIGN KEY (request_id) REFERENCES trace_info (request_id) ON DELETE CASCADE
      );
      CREATE INDEX index_trace_metrics_request_id ON trace_metrics (request_id);
    `,
  },
  {
    revision: '5d2d30f0abce',
    summary: 'names of jobs',
    script: `
      DROP INDEX index_jobs_function_status_creation_time;
      ALTER TABLE jobs RENAME COLUMN function_fullname TO job_name;
      CREATE INDEX index_jobs_name_status_creation_time ON jobs (job_name, status, creation_time);
    `,
  },
  {
    revision: 'c9d4e5f6a7b8',
    summary: 'routing of endpoints',
    script: `
      ALTER TABLE endpoints ADD COLUMN routing_strategy VARCHAR(64);
      ALTER TABLE endpoints ADD COLUMN fallback_config_json TEXT;
      ALTER TABLE endpoint_model_mappings ADD COLUMN linkage_type VARCHAR(64) DEFAULT 'PRIMARY' NOT NULL;
      ALTER TABLE endpoint_model_mappings ADD COLUMN fallback_order INTEGER;
      DROP INDEX unique_endpoint_model_mapping;
      CREATE UNIQUE INDEX unique_endpoint_model_linkage_mapping ON endpoint_model_mappings (endpoint_id, model_definition_id, linkage_type);
    `,
  },
  {
    revision: '2c33131f4dae',
    summary: 'scoring while traces come in',
    script: `
      CREATE TABLE online_scoring_configs (
        online_scoring_config_id VARCHAR(36) NOT NULL,
        scorer_id VARCHAR(36) NOT NULL,
        sample_rate FLOAT NOT NULL,
        experiment_id INTEGER NOT NULL,
        filter_string TEXT,
        CONSTRAINT online_scoring_config_pk PRIMARY KEY (online_scoring_config_id),
        CONSTRAINT fk_online_scoring_configs_scorer_id FOREIGN KEY (scorer_id) REFERENCES scorers (scorer_id) ON DELETE CASCADE,
        CONSTRAINT fk_online_scoring_configs_experiment_id FOREIGN KEY (experiment_id) REFERENCES experiments (experiment_id)
      );
    `,
  },
  {
    revision: 'd3e4f5a6b7c8',
    summary: 'names of endpoint bindings',
    script: `
      ALTER TABLE endpoint_bindings ADD COLUMN display_name VARCHAR(255);
    `,
  },
  {
    revision: 'd0e1f2a3b4c5',
    summary: 'experiments of endpoints',
    alter: {
      endpoints: {
        addColumns: ['experiment_id INTEGER', "usage_tracking BOOLEAN DEFAULT '0' NOT NULL"],
        addConstraints: [
          'CONSTRAINT fk_endpoints_experiment_id FOREIGN KEY (experiment_id) REFERENCES experiments (experiment_id) ON DELETE SET NULL',
        ],
      },
    },
  },
  {
    revision: 'c8d9e0f1a2b3',
    summary: 'metrics of spans',
    script: `
      CREATE TABLE span_metrics (
        trace_id VARCHAR(50) NOT NULL,
        span_id VARCHAR(50) NOT NULL,
        key VARCHAR(250) NOT NULL,
        value FLOAT,
        CONSTRAINT span_metrics_pk PRIMARY KEY (trace_id, span_id, key),
        CONSTRAINT fk_span_metrics_span FOREIGN KEY (trace_id, span_id) REFERENCES spans (trace_id, span_id) ON DELETE CASCADE
      );
      CREATE INDEX index_span_metrics_trace_id_span_id ON span_metrics (trace_id, span_id);
      ALTER TABLE spans ADD COLUMN dimension_attributes JSON;
    `,
  },
];
