import type { Migration } from './migration.ts';

/** MLflow 3.14 to 3.17: reviews by people, MCP servers. */
export const reviews: readonly Migration[] = [
  {
    revision: '89d3d66ed43f',
    summary: 'label schemas',
    script: `
      CREATE TABLE label_schemas (
        schema_id VARCHAR(36) NOT NULL,
        experiment_id INTEGER NOT NULL,
        name VARCHAR(250) NOT NULL,
        type VARCHAR(16) NOT NULL,
        instruction TEXT,
        enable_comment BOOLEAN DEFAULT '0' NOT NULL,
        input_type VARCHAR(32) NOT NULL,
        input_config TEXT NOT NULL,
        created_by VARCHAR(255),
        created_time BIGINT NOT NULL,
        last_update_time BIGINT NOT NULL,
        is_default BOOLEAN DEFAULT {false} NOT NULL,
        CONSTRAINT label_schemas_pk PRIMARY KEY (schema_id),
        CONSTRAINT fk_label_schemas_experiment_id FOREIGN KEY (experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE,
        CONSTRAINT uq_label_schemas_exp_name UNIQUE (experiment_id, name)
      );
      CREATE INDEX index_label_schemas_experiment_id ON label_schemas (experiment_id);
    `,
  },
  {
    revision: 'b7e4c1a90f23',
    summary: 'review queues',
    script: `
      CREATE TABLE review_queues (
        queue_id VARCHAR(36) NOT NULL,
        experiment_id INTEGER NOT NULL,
        name VARCHAR(250) NOT NULL,
        queue_type VARCHAR(16) NOT NULL,
        created_by VARCHAR(255),
        creation_time_ms BIGINT NOT NULL,
        last_update_time_ms BIGINT NOT NULL,
        name_key VARCHAR(250) NOT NULL,
        CONSTRAINT review_queues_pk PRIMARY KEY (queue_id),
        CONSTRAINT fk_review_queues_experiment_id FOREIGN KEY (experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE,
        CONSTRAINT uq_review_queues_experiment_name_key UNIQUE (experiment_id, name_key)
      );
      CREATE INDEX index_review_queues_experiment_id ON review_queues (experiment_id);
      CREATE TABLE review_queue_users (
        queue_id VARCHAR(36) NOT NULL,
        user_id VARCHAR(250) NOT NULL,
        CONSTRAINT review_queue_users_pk PRIMARY KEY (queue_id, user_id),
        CONSTRAINT fk_review_queue_users_queue_id FOREIGN KEY (queue_id) REFERENCES review_queues (queue_id) ON DELETE CASCADE
      );
      CREATE INDEX index_review_queue_users_user_id ON review_queue_users (user_id);
      CREATE TABLE review_queue_items (
        queue_id VARCHAR(36) NOT NULL,
        item_type VARCHAR(16) NOT NULL,
        item_id VARCHAR(50) NOT NULL,
        status VARCHAR(16) NOT NULL,
        completed_by VARCHAR(250),
        completed_time_ms BIGINT,
        creation_time_ms BIGINT NOT NULL,
        last_update_time_ms BIGINT NOT NULL,
        CONSTRAINT review_queue_items_pk PRIMARY KEY (queue_id, item_id),
        CONSTRAINT fk_review_queue_items_queue_id FOREIGN KEY (queue_id) REFERENCES review_queues (queue_id) ON DELETE CASCADE
      );
      CREATE INDEX index_review_queue_items_queue_id_status ON review_queue_items (queue_id, status);
      CREATE INDEX index_review_queue_items_item_id ON review_queue_items (item_id);
      CREATE TABLE review_queue_label_schemas (
        queue_id VARCHAR(36) NOT NULL,
        schema_id VARCHAR(36) NOT NULL,
        CONSTRAINT review_queue_label_schemas_pk PRIMARY KEY (queue_id, schema_id),
        CONSTRAINT fk_review_queue_label_schemas_queue_id FOREIGN KEY (queue_id) REFERENCES review_queues (queue_id) ON DELETE CASCADE
      );
      CREATE INDEX index_review_queue_label_schemas_schema_id ON review_queue_label_schemas (schema_id);
    `,
  },
  {
    revision: 'a8b9c0d1e2f3',
    summary: 'MCP servers',
    script: `
      CREATE TABLE mcp_servers (
        workspace VARCHAR(63) DEFAULT 'default' NOT NULL,
        name VARCHAR(256) NOT NULL,
        display_name VARCHAR(256),
        description TEXT,
        icons JSON,
        created_by VARCHAR(256),
        last_updated_by VARCHAR(256),
        created_at BIGINT NOT NULL,
        last_updated_at BIGINT NOT NULL,
        CONSTRAINT mcp_servers_pk PRIMARY KEY (workspace, name)
      );
      CREATE TABLE mcp_server_versions (
        workspace VARCHAR(63) DEFAULT 'default' NOT NULL,
        name VARCHAR(256) NOT NULL,
        version VARCHAR(128) NOT NULL,
        version_major INTEGER NOT NULL,
        version_minor INTEGER NOT NULL,
        version_patch INTEGER NOT NULL,
        version_prerelease_sort_key VARCHAR(512) NOT NULL,
        server_json JSON NOT NULL,
        status VARCHAR(20) DEFAULT 'draft' NOT NULL,
        tools JSON,
        source VARCHAR(512),
        connect_options JSON,
        created_by VARCHAR(256),
        last_updated_by VARCHAR(256),
        created_at BIGINT NOT NULL,
        last_updated_at BIGINT NOT NULL,
        CONSTRAINT mcp_server_versions_pk PRIMARY KEY (workspace, name, version),
        CONSTRAINT mcp_server_versions_server_fkey FOREIGN KEY (workspace, name) REFERENCES mcp_servers (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
      );
      CREATE TABLE mcp_server_tags (
        workspace VARCHAR(63) DEFAULT 'default' NOT NULL,
        name VARCHAR(256) NOT NULL,
        key VARCHAR(250) NOT NULL,
        value VARCHAR(5000),
        CONSTRAINT mcp_server_tags_pk PRIMARY KEY (workspace, name, key),
        CONSTRAINT mcp_server_tags_server_fkey FOREIGN KEY (workspace, name) REFERENCES mcp_servers (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
      );
      CREATE TABLE mcp_server_version_tags (
        workspace VARCHAR(63) DEFAULT 'default' NOT NULL,
        name VARCHAR(256) NOT NULL,
        version VARCHAR(128) NOT NULL,
        key VARCHAR(250) NOT NULL,
        value VARCHAR(5000),
        CONSTRAINT mcp_server_version_tags_pk PRIMARY KEY (workspace, name, version, key),
        CONSTRAINT mcp_server_version_tags_version_fkey FOREIGN KEY (workspace, name, version) REFERENCES mcp_server_versions (workspace, name, version) ON DELETE CASCADE ON UPDATE CASCADE
      );
      CREATE TABLE mcp_server_aliases (
        workspace VARCHAR(63) DEFAULT 'default' NOT NULL,
        name VARCHAR(256) NOT NULL,
        alias VARCHAR(256) NOT NULL,
        version VARCHAR(128) NOT NULL,
        CONSTRAINT mcp_server_aliases_pk PRIMARY KEY (workspace, name, alias),
        CONSTRAINT mcp_server_aliases_server_fkey FOREIGN KEY (workspace, name) REFERENCES mcp_servers (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
      );
      CREATE TABLE mcp_access_endpoints (
        id VARCHAR(36) NOT NULL,
        workspace VARCHAR(63) DEFAULT 'default' NOT NULL,
        server_name VARCHAR(256) NOT NULL,
        server_version VARCHAR(128),
        server_alias VARCHAR(256),
        url VARCHAR(2048) NOT NULL,
        transport_type VARCHAR(32) DEFAULT 'streamable-http' NOT NULL,
        created_by VARCHAR(256),
        last_updated_by VARCHAR(256),
        created_at BIGINT NOT NULL,
        last_updated_at BIGINT NOT NULL,
        CONSTRAINT mcp_access_endpoints_pk PRIMARY KEY (id),
        CONSTRAINT mcp_access_endpoints_server_fkey FOREIGN KEY (workspace, server_name) REFERENCES mcp_servers (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
      );
      CREATE INDEX idx_mcp_server_versions_latest ON mcp_server_versions (workspace, name, status, version_major DESC, version_minor DESC, version_patch DESC);
      CREATE INDEX ix_mcp_access_endpoints_server_name ON mcp_access_endpoints (workspace, server_name);
      CREATE INDEX ix_mcp_access_endpoints_version ON mcp_access_endpoints (workspace, server_name, server_version);
      CREATE INDEX ix_mcp_access_endpoints_alias ON mcp_access_endpoints (workspace, server_name, server_alias);
    `,
  },
  {
    revision: 'c1d2e3f4a5b6',
    summary: 'an index for the times of spans',
    script: `
      DROP INDEX index_spans_experiment_id;
      CREATE INDEX index_spans_experiment_id_start_time ON spans (experiment_id, start_time_unix_nano);
    `,
  },
  {
    revision: 'c3d9e7f1a2b4',
    summary: 'targets of budget policies',
    script: `
      ALTER TABLE budget_policies ADD COLUMN target_value VARCHAR(255);
      CREATE INDEX idx_budget_policies_target_value ON budget_policies (target_value);
    `,
  },
  {
    revision: '6f8d9c3b2a1e',
    summary: 'traces go with their experiment',
    alter: {
      trace_info: {
        dropConstraints: [{ kind: 'foreign key', to: 'experiments' }],
        addConstraints: [
          'CONSTRAINT fk_trace_info_experiment_id FOREIGN KEY (experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE',
        ],
      },
    },
  },
  {
    revision: '1971f2d9a75b',
    summary: 'an index for the archiving of traces',
    script: `
      CREATE INDEX index_trace_info_timestamp_ms_request_id ON trace_info (timestamp_ms, request_id);
    `,
  },
  {
    revision: '17e22815139b',
    summary: 'experiment tags of any length',
    alter: { experiment_tags: { types: { value: 'TEXT' } } },
  },
  {
    revision: 'b7e2c1a4d9f3',
    summary: 'who started a job',
    script: `
      ALTER TABLE jobs ADD COLUMN creator VARCHAR(255);
    `,
  },
];
