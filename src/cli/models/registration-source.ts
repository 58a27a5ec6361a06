import { resolve } from 'node:path';
import { parseRunUri, schemeOf, showUri, splitSafely } from '../../artifacts/artifact-uri.ts';
import { type ModelOrigin, readModelOrigin } from '../../artifacts/model-file.ts';
import { parseModelUri } from '../../artifacts/model-uri.ts';
import { findVersion } from '../../artifacts/resolver.ts';
import { appendToLocation, resolveLocation } from '../../core/artifact-location.ts';
import { InvalidInput, NotFound } from '../../core/errors.ts';
import type { LoggedModel } from '../../core/logged-model.ts';
import type { Context } from '../../host/context.ts';
import type { RegistryStore } from '../../registry/store.ts';
import type { TrackingStore } from '../../tracking/store.ts';
import { findLoggedModelOfRun } from './logged-model-of-run.ts';

/** A model as the registry keeps it. */
export interface RegistrationSource {
  readonly source: string;
  readonly runId?: string | undefined;
  readonly modelId?: string | undefined;
  /** Where a logged model lies. */
  readonly location?: string | undefined;
}

export interface ModelStores {
  readonly context: Context;
  readonly tracking: TrackingStore;
  readonly registry: RegistryStore;
}

/**
 * What is registered for `uri`, as `mlflow.register_model` reads it
 * (`mlflow/tracking/_model_registry/fluent.py`); beyond that, stages and aliases are followed to their version.
 *
 * @throws NotFound for what is not there, InvalidInput for a folder that holds no model.
 */
export async function findRegistrationSource(
  uri: string,
  stores: ModelStores,
): Promise<RegistrationSource> {
  switch (schemeOf(uri)) {
    case 'runs':
      return findInRun(uri, stores);
    case 'models':
      return findModel(uri, stores);
    default:
      return findFolder(uri, stores);
  }
}

/** Among the run's artifacts, else among the models that it logged: MLflow 3 keeps those elsewhere. */
async function findInRun(uri: string, stores: ModelStores): Promise<RegistrationSource> {
  const { runId, path } = parseRunUri(uri);
  if (path !== '') splitSafely(path, '');
  const { info } = await stores.tracking.getRun(runId);
  const folder = appendToLocation(info.artifactUri, path);
  if ((await readOrigin(folder, stores)) !== undefined) return { source: folder, runId };
  const model = await findLoggedModelOfRun(info, path, stores.tracking);
  if (model !== undefined) return { ...describeLoggedModel(model), runId };
  throw new NotFound(`run ${runId} has no model \`${path}\``, {
    hint: `list what it has: mlts artifacts list --run-id ${runId}`,
  });
}

async function findModel(
  uri: string,
  { tracking, registry }: ModelStores,
): Promise<RegistrationSource> {
  const { model, path } = parseModelUri(uri);
  if (path !== '') {
    throw new InvalidInput(`\`${uri}\` is a part of a model`, {
      hint: 'register all of it: leave out what stands behind the version',
    });
  }
  if (model.by === 'id') return describeLoggedModel(await tracking.loggedModels.get(model.modelId));
  const { name, version, runId, modelId } = await findVersion(registry, model);
  return { source: `models:/${name}/${version}`, runId, modelId };
}

function describeLoggedModel({ id, sourceRunId, artifactUri }: LoggedModel): RegistrationSource {
  return { source: `models:/${id}`, modelId: id, runId: sourceRunId, location: artifactUri };
}

/** MLflow does not look into the folder; the run that its MLmodel file names counts where it is known here. */
async function findFolder(uri: string, stores: ModelStores): Promise<RegistrationSource> {
  const { cwd } = stores.context;
  const source = schemeOf(uri) === '' ? resolve(cwd, uri) : resolveLocation(uri, cwd);
  const origin = await readOrigin(source, stores);
  if (origin === undefined) {
    throw new InvalidInput(`${showUri(source)} is no model: it holds no MLmodel file`, {
      hint: 'name the folder that mlflow.<flavor>.save_model or log_model wrote',
    });
  }
  return { source, runId: await findKnownRun(origin.runId, stores.tracking) };
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
  { context, tracking }: ModelStores,
): Promise<ModelOrigin | undefined> {
  return readModelOrigin(location, context, tracking.uri);
}

/** Also for an id that this store would not give. */
function ignoreUnknown(error: unknown): undefined {
  if (!(error instanceof NotFound || error instanceof InvalidInput)) throw error;
}
