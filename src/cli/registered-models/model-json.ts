import type { RegisteredModel } from '../../core/model-registry.ts';
import { toVersionJson } from '../model-versions/version-json.ts';

/** A model as MLflow's REST API writes it (`RegisteredModel` in `model_registry.proto`). */
export function toModelJson(model: RegisteredModel): Readonly<Record<string, unknown>> {
  return {
    name: model.name,
    creation_timestamp: model.creationTimeMs,
    last_updated_timestamp: model.lastUpdateTimeMs,
    description: model.description,
    latest_versions: model.latestVersions.map(toVersionJson),
    tags: model.tags,
    aliases: model.aliases.map(({ alias, version }) => ({ alias, version: String(version) })),
  };
}
