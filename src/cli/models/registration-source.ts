import { resolve } from 'node:path';
import { parseRunUri, schemeOf, showUri, splitSafely } from '../../artifacts/artifact-uri.ts';
import { type ModelOrigin, readModelOrigin } from '../../artifacts/model-file.ts';
import { parseModelUri } from '../../artifacts/model-uri.ts';
import type { ArtifactResolver } from '../../artifacts/store.ts';
import { appendToLocation, resolveLocation } from '../../core/artifact-location.ts';
import { InvalidInput, MltsError, NotFound } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import type { RegistryStore } from '../../registry/store.ts';
import type { TrackingStore } from '../../tracking/store.ts';
import { findVersion } from '../model-versions/find-version.ts';

/** A model as the registry keeps it. */
export interface RegistrationSource {
  readonly source: string;
  readonly runId?: string | undefined;
  readonly modelId?: string | undefined;
  /** Where a logged model lies, if the tracking store tells. */
  readonly location?: string | undefined;
}

export interface ModelPlaces {
  readonly context: Context;
  readonly tracking: TrackingStore;
  readonly registry: RegistryStore;
  readonly resolver: ArtifactResolver;
}

/**
 * What is registered for `uri`, as `mlflow.register_model` reads it
 * (`mlflow/tracking/_model_registry/fluent.py`); beyond that, stages and aliases are followed to their version.
 *
 * @throws NotFound for what is not there, InvalidInput for a folder that holds no model.
 */
export async function findRegistrationSource(
  uri: string,
  places: ModelPlaces,
): Promise<RegistrationSource> {
  switch (schemeOf(uri)) {
    case 'runs':
      return findInRun(uri, places);
    case 'models':
      return findModel(uri, places);
    default:
      return findFolder(uri, places);
  }
}

/** Among the run's artifacts, else among the models that it logged: MLflow 3 keeps those elsewhere. */
async function findInRun(uri: string, places: ModelPlaces): Promise<RegistrationSource> {
  const { runId, path } = parseRunUri(uri);
  if (path !== '') splitSafely(path, '');
  const folder = appendToLocation(await places.resolver.artifactUriOfRun(runId), path);
  if ((await readOrigin(folder, places)) !== undefined) return { source: folder, runId };
  const found = path === '' ? undefined : await places.resolver.findModelOfRun(runId, path);
  const location = found?.uri;
  const modelId = location && (await readOrigin(location, places))?.modelId;
  if (modelId) return { source: `models:/${modelId}`, runId, modelId, location };
  throw new NotFound(`run ${runId} has no model \`${path}\``, {
    hint: `list what it has: mlts artifacts list --run-id ${runId}`,
  });
}

async function findModel(uri: string, places: ModelPlaces): Promise<RegistrationSource> {
  const { model, path } = parseModelUri(uri);
  if (path !== '') {
    throw new InvalidInput(`\`${uri}\` is a part of a model`, {
      hint: 'register all of it: leave out what stands behind the version',
    });
  }
  if (model.by === 'id') return findLoggedModel(model.modelId, places);
  const { name, version, runId, modelId } = await findVersion(model, places.registry);
  return { source: `models:/${name}/${version}`, runId, modelId };
}

/** The registry, or the server behind it, knows the run; the file is read for a registry that does not. */
async function findLoggedModel(modelId: string, places: ModelPlaces): Promise<RegistrationSource> {
  const { uri: location } = await places.resolver.locateModel({ by: 'id', modelId });
  const origin = await readOrigin(location, places).catch(ignoreUnreadable);
  return { source: `models:/${modelId}`, modelId, location, runId: origin?.runId };
}

/** MLflow does not look into the folder; the run that its MLmodel file names counts where it is known here. */
async function findFolder(uri: string, places: ModelPlaces): Promise<RegistrationSource> {
  const { cwd } = places.context;
  const source = schemeOf(uri) === '' ? resolve(cwd, uri) : resolveLocation(uri, cwd);
  const origin = await readOrigin(source, places);
  if (origin === undefined) {
    throw new InvalidInput(`${showUri(source)} is no model: it holds no MLmodel file`, {
      hint: 'name the folder that mlflow.<flavor>.save_model or log_model wrote',
    });
  }
  return { source, runId: await findKnownRun(origin.runId, places.tracking) };
}

async function findKnownRun(
  runId: string | undefined,
  tracking: TrackingStore,
): Promise<string | undefined> {
  if (runId === undefined) return undefined;
  const run = await tracking.getRun(runId).catch(ignoreUnknown);
  return run?.info.id;
}

function readOrigin(
  location: string,
  { context, tracking }: ModelPlaces,
): Promise<ModelOrigin | undefined> {
  return readModelOrigin(location, context, tracking.uri);
}

/** Also for an id that this store would not give. */
function ignoreUnknown(error: unknown): undefined {
  if (!(error instanceof NotFound || error instanceof InvalidInput)) throw error;
}

/** Where a server keeps its models need not be in reach from here. */
function ignoreUnreadable(error: unknown): undefined {
  if (!(error instanceof MltsError)) throw error;
}
