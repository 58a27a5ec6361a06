import type { Migration } from './migration.ts';

/** MLflow 3.10 to 3.13: budgets, issues, guardrails. */
export const budgets: readonly Migration[] = [
  {
    revision: 'e1f2a3b4c5d6',
    summary: 'budget policies',
    script: `
      CREATE TABLE budget_policies (
        budget_policy_id VARCHAR(36) NOT NULL,
        budget_unit VARCHAR(32) NOT NULL,
        budget_amount FLOAT NOT NULL,
        duration_unit VARCHAR(32) NOT NULL,
        duration_value INTEGER NOT NULL,
        target_scope VARCHAR(32) NOT NULL,
        budget_action VARCHAR(32) NOT NULL,
        created_by VARCHAR(255),
        created_at BIGINT NOT NULL,
        last_updated_by VARCHAR(255),
        last_updated_at BIGINT NOT NULL,
        workspace VARCHAR(63) DEFAULT 'default' NOT NULL,
        CONSTRAINT budget_policies_pk PRIMARY KEY (budget_policy_id)
      );
      CREATE INDEX idx_budget_policies_workspace ON budget_policies (workspace);
    `,
  },
  {
    revision: '76601a5f987d',
    summary: 'issues',
    script: `
      CREATE TABLE issues (
        issue_id VARCHAR(36) NOT NULL,
        experiment_id INTEGER NOT NULL,
        name VARCHAR(250) NOT NULL,
        description TEXT NOT NULL,
        status VARCHAR(50) NOT NULL,
        severity VARCHAR(50),
        root_causes TEXT,
        source_run_id VARCHAR(32),
        categories TEXT,
        created_timestamp BIGINT NOT NULL,
        last_updated_timestamp BIGINT NOT NULL,
        created_by VARCHAR(255),
        CONSTRAINT issues_pk PRIMARY KEY (issue_id),
        CONSTRAINT fk_issues_experiment_id FOREIGN KEY (experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE,
        CONSTRAINT fk_issues_source_run_id FOREIGN KEY (source_run_id) REFERENCES runs (run_uuid) ON DELETE SET NULL
      );
      CREATE INDEX index_issues_experiment_id ON issues (experiment_id);
      CREATE INDEX index_issues_source_run_id ON issues (source_run_id);
      CREATE INDEX index_issues_status ON issues (status);
    `,
  },
  {
    revision: 'c3d6457b6d8a',
    summary: 'details of the status of jobs',
    script: `
      ALTER TABLE jobs ADD COLUMN status_details JSON;
    `,
  },
  {
    revision: 'a5b4c3d2e1f0',
    summary: 'an index for the history of metrics',
    script: `
      CREATE INDEX index_metrics_run_uuid_key_step ON metrics (run_uuid, key, step);
    `,
  },
  {
    revision: 'ae8bbe7743c9',
    summary: 'guardrails',
    script: `
      CREATE TABLE guardrails (
        guardrail_id VARCHAR(36) NOT NULL,
        name VARCHAR(255) NOT NULL,
        scorer_id VARCHAR(36) NOT NULL,
        scorer_version INTEGER NOT NULL,
        stage VARCHAR(32) NOT NULL,
        action VARCHAR(32) NOT NULL,
        action_endpoint_id VARCHAR(36),
        created_by VARCHAR(255),
        created_at BIGINT NOT NULL,
        last_updated_by VARCHAR(255),
        last_updated_at BIGINT NOT NULL,
        workspace VARCHAR(63) DEFAULT 'default' NOT NULL,
        CONSTRAINT guardrails_pk PRIMARY KEY (guardrail_id),
        CONSTRAINT fk_guardrails_scorer_version FOREIGN KEY (scorer_id, scorer_version) REFERENCES scorer_versions (scorer_id, scorer_version),
        CONSTRAINT fk_guardrails_action_endpoint_id FOREIGN KEY (action_endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE SET NULL
      );
      CREATE INDEX idx_guardrails_workspace ON guardrails (workspace);
      CREATE INDEX idx_guardrails_scorer ON guardrails (scorer_id, scorer_version);
      CREATE TABLE guardrail_configs (
        endpoint_id VARCHAR(36) NOT NULL,
        guardrail_id VARCHAR(36) NOT NULL,
        execution_order INTEGER,
        created_by VARCHAR(255),
        created_at BIGINT NOT NULL,
        workspace VARCHAR(63) DEFAULT 'default' NOT NULL,
        CONSTRAINT guardrail_configs_pk PRIMARY KEY (endpoint_id, guardrail_id),
        CONSTRAINT fk_guardrail_configs_endpoint_id FOREIGN KEY (endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE CASCADE,
        CONSTRAINT fk_guardrail_configs_guardrail_id FOREIGN KEY (guardrail_id) REFERENCES guardrails (guardrail_id) ON DELETE CASCADE
      );
      CREATE INDEX idx_guardrail_configs_endpoint_id ON guardrail_configs (endpoint_id);
      CREATE INDEX idx_guardrail_configs_guardrail_id ON guardrail_configs (guardrail_id);
    `,
  },
  {
    revision: '7d34483879f0',
    summary: 'indexes on tags of the registry',
    script: `
      CREATE INDEX idx_model_version_tags_workspace_name_version ON model_version_tags (workspace, name, version);
      CREATE INDEX idx_registered_model_tags_workspace_name ON registered_model_tags (workspace, name);
    `,
  },
  {
    revision: 'da6fb0208061',
    summary: 'archives of traces',
    script: `
      ALTER TABLE trace_info ADD COLUMN db_payload_generation INTEGER DEFAULT '0' NOT NULL;
      ALTER TABLE workspaces ADD COLUMN trace_archival_location TEXT;
      ALTER TABLE workspaces ADD COLUMN trace_archival_retention VARCHAR(32);
    `,
  },
];
