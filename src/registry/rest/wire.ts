import {
  MODEL_STAGES,
  type ModelAlias,
  type ModelStage,
  type ModelVersion,
  type RegisteredModel,
} from '../../core/model-registry.ts';
import {
  readList,
  readTag,
  readText,
  readTimeMs,
  type Wire,
} from '../../host/http/mlflow-message.ts';

/** `RegisteredModel` of `model_registry.proto`; its latest versions come without their aliases. */
export function readRegisteredModel(wire: Wire): RegisteredModel {
  const aliases = readList(wire.aliases).map(readAlias);
  return {
    name: readText(wire.name),
    description: readOptional(wire.description),
    tags: readList(wire.tags).map(readTag).sort(byKey),
    aliases: aliases.sort((a, b) => (a.alias < b.alias ? -1 : 1)),
    latestVersions: readList(wire.latest_versions)
      .map((version) => withAliases(readModelVersion(version), aliases))
      .sort((a, b) => a.version - b.version),
    creationTimeMs: readTimeMs(wire.creation_timestamp),
    lastUpdateTimeMs: readTimeMs(wire.last_updated_timestamp),
  };
}

export function readModelVersion(wire: Wire): ModelVersion {
  return {
    name: readText(wire.name),
    version: Number(wire.version),
    stage: readStage(wire.current_stage),
    aliases: Array.isArray(wire.aliases) ? wire.aliases.map(readText).sort() : [],
    description: readOptional(wire.description),
    source: readOptional(wire.source),
    runId: readOptional(wire.run_id),
    runLink: readOptional(wire.run_link),
    modelId: readOptional(wire.model_id),
    userId: readOptional(wire.user_id),
    status: readText(wire.status) || 'READY',
    statusMessage: readOptional(wire.status_message),
    tags: readList(wire.tags).map(readTag).sort(byKey),
    creationTimeMs: readTimeMs(wire.creation_timestamp),
    lastUpdateTimeMs: readTimeMs(wire.last_updated_timestamp),
  };
}

export function withAliases(version: ModelVersion, aliases: readonly ModelAlias[]): ModelVersion {
  const own = aliases.filter((alias) => alias.version === version.version);
  return { ...version, aliases: own.map(({ alias }) => alias) };
}

function readAlias(wire: Wire): ModelAlias {
  return { alias: readText(wire.alias), version: Number(wire.version) };
}

function readStage(value: unknown): ModelStage {
  return MODEL_STAGES.find((stage) => stage === value) ?? 'None';
}

function readOptional(value: unknown): string | undefined {
  return readText(value) || undefined;
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1;
}
