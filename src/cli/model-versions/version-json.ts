import type { ModelVersion } from '../../core/model-registry.ts';

/** A version as MLflow's REST API writes it (`ModelVersion` in `model_registry.proto`). */
export function toVersionJson(version: ModelVersion): Readonly<Record<string, unknown>> {
  return {
    name: version.name,
    version: String(version.version),
    creation_timestamp: version.creationTimeMs,
    last_updated_timestamp: version.lastUpdateTimeMs,
    user_id: version.userId,
    current_stage: version.stage,
    description: version.description,
    source: version.source,
    run_id: version.runId,
    status: version.status,
    status_message: version.statusMessage,
    tags: version.tags,
    run_link: version.runLink,
    model_id: version.modelId,
    aliases: version.aliases,
  };
}
