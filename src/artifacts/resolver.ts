import { InvalidInput, MltsError, NotFound } from '../core/errors.ts';
import type { LoggedModel } from '../core/logged-model.ts';
import {
  findStage,
  MODEL_STAGES,
  type ModelVersion,
  type RegisteredModel,
} from '../core/model-registry.ts';
import type { RegistryStore } from '../registry/store.ts';
import type { TrackingStore } from '../tracking/store.ts';
import type { ModelReference } from './model-uri.ts';
import type { ArtifactResolver, ModelLocation } from './store.ts';

/** Opens the model registry for one question, and closes it. */
export type UseRegistry = <T>(ask: (registry: RegistryStore) => Promise<T>) => Promise<T>;

/** Where runs and models lie: the tracking store knows runs and their models, the registry their versions. */
export function createArtifactResolver(
  store: TrackingStore,
  useRegistry: UseRegistry,
): ArtifactResolver {
  return {
    trackingUri: store.uri,
    artifactUriOfRun: async (runId) => (await store.getRun(runId)).info.artifactUri,
    findModelOfRun: (runId, name) => findModelOfRun(store, runId, name),
    async locateModel(model) {
      if (model.by === 'id') return toLocation(await store.loggedModels.get(model.modelId));
      return useRegistry((registry) => locateVersion(registry, model));
    },
  };
}

function toLocation({ id, artifactUri, lastUpdateTimeMs }: LoggedModel): ModelLocation {
  return { uri: artifactUri, identity: `${id} ${lastUpdateTimeMs}` };
}

/**
 * As MLflow looks (`RunsArtifactRepository._get_logged_model_artifact_repo`): among the models of that
 * name in the run's experiment, the one that this run made. Servers before MLflow 3 know no such models.
 */
async function findModelOfRun(
  store: TrackingStore,
  runId: string,
  name: string,
): Promise<ModelLocation | undefined> {
  // No logged model is named so; a quote would end the text in the filter.
  if (name === '' || /[/:.%"']/.test(name)) return undefined;
  const { experimentId } = (await store.getRun(runId)).info;
  const search = { experimentIds: [experimentId], filter: `name = '${name}'`, maxResults: 100 };
  try {
    for (let pageToken: string | undefined; ; ) {
      const page = await store.loggedModels.search({ ...search, pageToken });
      const model = page.items.find(({ sourceRunId }) => sourceRunId === runId);
      if (model !== undefined) return toLocation(model);
      if (page.nextPageToken === undefined) return undefined;
      pageToken = page.nextPageToken;
    }
  } catch (error) {
    if (error instanceof MltsError && isUnknown(error)) return undefined;
    throw error;
  }
}

function isUnknown({ code }: MltsError): boolean {
  return code === 'RESOURCE_DOES_NOT_EXIST' || code === 'INVALID_PARAMETER_VALUE';
}

type VersionReference = Exclude<ModelReference, { by: 'id' }>;

async function locateVersion(
  registry: RegistryStore,
  model: VersionReference,
): Promise<ModelLocation> {
  const { name, version, creationTimeMs } = await findVersion(registry, model);
  return {
    uri: await registry.getDownloadUri(name, version),
    // A model that is deleted and made anew has the same versions again.
    identity: `${name}/${version} ${creationTimeMs}`,
    registered: { name, version: String(version) },
  };
}

/**
 * Whose way of looking it is: MLflow's client takes `latest` for an alias of every model, and refuses stages that there
 * are not; its stores, and with them its server, do neither.
 */
export type VersionLooking = 'client' | 'store';

/** The version that a `models:` address means. @throws NotFound, InvalidInput for a stage that is refused. */
export async function findVersion(
  registry: RegistryStore,
  reference: VersionReference,
  looking: VersionLooking = 'client',
): Promise<ModelVersion> {
  const { name } = reference;
  if (reference.by === 'version') return registry.getVersion(name, reference.version);
  const model = await registry.getModel(name);
  if (reference.by === 'alias') {
    const version = findAlias(model, reference.alias, looking);
    return registry.getVersion(name, version);
  }
  const stage = reference.by === 'stage' ? readStage(reference.stage, looking) : undefined;
  return findLatest(model, stage);
}

/** `latest` means the highest number, where it is no alias of its own (`get_model_version_by_alias`). */
function findAlias(model: RegisteredModel, wanted: string, looking: VersionLooking): number {
  const isLatest = looking === 'client' && wanted.toLowerCase() === 'latest';
  if (isLatest) return findLatest(model, undefined).version;
  const found = model.aliases.find(({ alias }) => alias === wanted);
  if (found !== undefined) return found.version;
  throw new NotFound(`model \`${model.name}\` has no alias \`${wanted}\``, {
    hint: `look at those it has: mlts registered-models get ${model.name}`,
  });
}

/** A model tells the latest version of each stage; the highest number of them is the latest. */
function findLatest(
  { name, latestVersions }: RegisteredModel,
  stage: ModelVersion['stage'] | undefined,
): ModelVersion {
  const fitting = latestVersions.filter((one) => stage === undefined || one.stage === stage);
  const latest = fitting.toSorted((a, b) => b.version - a.version)[0];
  if (latest !== undefined) return latest;
  const where = stage === undefined ? '' : ` in stage \`${stage}\``;
  throw new NotFound(`model \`${name}\` has no version${where}`, {
    hint: `list what there is: mlts model-versions search --filter "name = '${name}'"`,
  });
}

/** In any case (`mlflow/entities/model_registry/model_version_stages.py`). */
function readStage(text: string, looking: VersionLooking): ModelVersion['stage'] {
  const stage = findStage(text);
  if (stage !== undefined) return stage;
  if (looking === 'store') throw new NotFound(`no model has the stage \`${text}\``);
  throw new InvalidInput(`\`${text}\` is no version and no stage of a model`, {
    hint: `write a number, \`latest\`, or one of ${MODEL_STAGES.join(', ')}`,
  });
}
