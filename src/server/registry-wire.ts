import type { ModelVersion, RegisteredModel } from '../core/model-registry.ts';
import type { Wire } from './endpoint.ts';
import { writeList, writePair } from './wire.ts';

/** `RegisteredModel` of `mlflow/protos/model_registry.proto`; its versions come without their aliases. */
export function writeRegisteredModel(model: RegisteredModel): Wire {
  return {
    name: model.name,
    ...writeTimes(model),
    ...(model.description ? { description: model.description } : {}),
    ...writeList('latest_versions', model.latestVersions, writeVersionWithoutAliases),
    ...writeList('tags', model.tags, writePair),
    ...writeList('aliases', model.aliases, ({ alias, version }) => ({
      alias,
      version: String(version),
    })),
  };
}

export function writeModelVersion(version: ModelVersion): Wire {
  const { aliases } = version;
  return {
    ...writeVersionWithoutAliases(version),
    ...(aliases.length === 0 ? {} : { aliases: [...aliases] }),
  };
}

/** As MLflow lists versions. */
export function writeVersionWithoutAliases(version: ModelVersion): Wire {
  return {
    name: version.name,
    version: String(version.version),
    ...writeTimes(version),
    ...(version.userId === undefined ? {} : { user_id: version.userId }),
    current_stage: version.stage,
    ...(version.description === undefined ? {} : { description: version.description }),
    ...(version.source === undefined ? {} : { source: version.source }),
    run_id: version.runId ?? '',
    status: version.status,
    ...(version.statusMessage === undefined ? {} : { status_message: version.statusMessage }),
    ...writeList('tags', version.tags, writePair),
    run_link: version.runLink ?? '',
  };
}

function writeTimes({
  creationTimeMs,
  lastUpdateTimeMs,
}: Pick<ModelVersion, 'creationTimeMs' | 'lastUpdateTimeMs'>): Wire {
  return {
    ...(creationTimeMs === undefined ? {} : { creation_timestamp: creationTimeMs }),
    ...(lastUpdateTimeMs === undefined ? {} : { last_updated_timestamp: lastUpdateTimeMs }),
  };
}
