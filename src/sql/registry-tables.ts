import type { Generated } from 'kysely';
import type { ModelStage } from '../core/model-registry.ts';

/** The stage of a version that was deleted: its row stays, so that its number is not given again. */
export const DELETED_STAGE = 'Deleted_Internal';

/** The model registry's part of the tables. */
export interface RegistryTables {
  registered_models: {
    name: string;
    creation_time: number | null;
    last_updated_time: number | null;
    description: string | null;
    workspace: Generated<string>;
  };
  model_versions: {
    name: string;
    version: number;
    creation_time: number | null;
    last_updated_time: number | null;
    description: string | null;
    user_id: string | null;
    current_stage: ModelStage | typeof DELETED_STAGE;
    source: string | null;
    run_id: string | null;
    status: string | null;
    status_message: string | null;
    run_link: string | null;
    storage_location: string | null;
    workspace: Generated<string>;
  };
  registered_model_tags: {
    key: string;
    value: string | null;
    name: string;
    workspace: Generated<string>;
  };
  model_version_tags: {
    key: string;
    value: string | null;
    name: string;
    version: number;
    workspace: Generated<string>;
  };
  registered_model_aliases: {
    alias: string;
    version: number;
    name: string;
    workspace: Generated<string>;
  };
}
