import type { ConstraintMatch, Migration, TableChange } from './migration.ts';

const WORKSPACE = "workspace VARCHAR(63) DEFAULT 'default' NOT NULL";

/** Everything that has a name gets a workspace beside it; what there is, is in the one named `default`. */
export const workspaces: Migration = {
  revision: '1b5f0d9ad7c1',
  summary: 'workspaces',
  alter: {
    experiments: {
      dropConstraints: [{ kind: 'unique', column: 'name' }],
      addColumns: [WORKSPACE],
      addConstraints: ['CONSTRAINT uq_experiments_workspace_name UNIQUE (workspace, name)'],
    },
    registered_models: {
      ...rekey('registered_model_pk', 'name'),
      dropConstraints: [{ kind: 'unique', column: 'name' }, { kind: 'primary key' }],
    },
    model_versions: rekey('model_version_pk', 'name, version', {
      name: 'fk_model_versions_registered_models',
      to: 'registered_models',
      columns: 'name',
      actions: 'ON UPDATE CASCADE',
    }),
    registered_model_tags: rekey('registered_model_tag_pk', 'key, name', {
      name: 'fk_registered_model_tags_registered_models',
      to: 'registered_models',
      columns: 'name',
      actions: 'ON UPDATE CASCADE',
    }),
    model_version_tags: rekey('model_version_tag_pk', 'key, name, version', {
      name: 'fk_model_version_tags_model_versions',
      to: 'model_versions',
      columns: 'name, version',
      actions: 'ON UPDATE CASCADE',
    }),
    registered_model_aliases: rekey('registered_model_alias_pk', 'name, alias', {
      name: 'fk_registered_model_aliases_registered_models',
      to: 'registered_models',
      columns: 'name',
      actions: 'ON DELETE CASCADE ON UPDATE CASCADE',
    }),
    evaluation_datasets: { addColumns: [WORKSPACE] },
    webhooks: { addColumns: [WORKSPACE] },
    secrets: {
      addColumns: [WORKSPACE],
      addConstraints: [
        'CONSTRAINT uq_secrets_workspace_secret_name UNIQUE (workspace, secret_name)',
      ],
    },
    endpoints: {
      addColumns: [WORKSPACE],
      addConstraints: ['CONSTRAINT uq_endpoints_workspace_name UNIQUE (workspace, name)'],
    },
    model_definitions: {
      addColumns: [WORKSPACE],
      addConstraints: ['CONSTRAINT uq_model_definitions_workspace_name UNIQUE (workspace, name)'],
    },
    jobs: { addColumns: [WORKSPACE] },
  },
  script: `
    DROP INDEX unique_secret_name;
    DROP INDEX unique_endpoint_name;
    DROP INDEX unique_model_definition_name;
    DROP INDEX index_jobs_name_status_creation_time;
    CREATE INDEX index_jobs_name_status_creation_time ON jobs (job_name, workspace, status, creation_time);
    CREATE INDEX idx_experiments_workspace ON experiments (workspace);
    CREATE INDEX idx_registered_models_workspace ON registered_models (workspace);
    CREATE INDEX idx_experiments_workspace_creation_time ON experiments (workspace, creation_time);
    CREATE INDEX idx_evaluation_datasets_workspace ON evaluation_datasets (workspace);
    CREATE INDEX idx_webhooks_workspace ON webhooks (workspace);
    CREATE INDEX idx_secrets_workspace ON secrets (workspace);
    CREATE INDEX idx_endpoints_workspace ON endpoints (workspace);
    CREATE INDEX idx_model_definitions_workspace ON model_definitions (workspace);
    CREATE TABLE workspaces (
      name VARCHAR(63) NOT NULL,
      description TEXT,
      default_artifact_root TEXT,
      CONSTRAINT workspaces_pk PRIMARY KEY (name)
    );
    INSERT INTO workspaces (name, description) VALUES ('default', 'Default workspace for legacy resources');
  `,
};

interface Reference {
  readonly name: string;
  readonly to: string;
  readonly columns: string;
  readonly actions: string;
}

/** The workspace becomes part of the primary key, and of the key that refers to another table. */
function rekey(primaryKey: string, columns: string, reference?: Reference): TableChange {
  const dropped: ConstraintMatch[] = [{ kind: 'primary key' }];
  const added = [`CONSTRAINT ${primaryKey} PRIMARY KEY (workspace, ${columns})`];
  if (reference !== undefined) {
    const { name, to, actions } = reference;
    const referred = `(workspace, ${reference.columns})`;
    dropped.push({ kind: 'foreign key', to });
    added.push(
      `CONSTRAINT ${name} FOREIGN KEY ${referred} REFERENCES ${to} ${referred} ${actions}`,
    );
  }
  return { dropConstraints: dropped, addColumns: [WORKSPACE], addConstraints: added };
}
