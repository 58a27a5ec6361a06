import { variables } from '../core/environment-variables.ts';
import { MltsError, NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import type { HttpClient, JsonObject } from '../host/http/client.ts';
import { openMlflowServer } from '../host/http/mlflow-server.ts';
import type { ModelReference } from './model-uri.ts';
import type { ArtifactResolver, ModelLocation } from './store.ts';

const API = '/api/2.0/mlflow';

/** The part of an `ArtifactResolver` that only an MLflow server can answer. */
export type ModelFinder = Required<Pick<ArtifactResolver, 'findModelOfRun' | 'locateModel'>>;

/**
 * Asks an MLflow server at `serverUri` where models lie: models by id, those that a run logged, and
 * versions, stages and aliases of its registry, or of the one that MLFLOW_REGISTRY_URI names.
 */
export function createServerModelFinder(serverUri: string, context: Context): ModelFinder {
  const registryUri = context.env[variables.registryUri] || serverUri;
  const ask = async <T>(uri: string, question: (client: HttpClient) => Promise<T>): Promise<T> => {
    const client = await openMlflowServer(uri, context);
    try {
      return await question(client);
    } finally {
      await client.close();
    }
  };
  return {
    findModelOfRun: (runId, name) =>
      ask(serverUri, (client) => findModelOfRun(client, runId, name)),
    locateModel: (model) =>
      ask(model.by === 'id' ? serverUri : registryUri, (client) => locateModel(client, model)),
  };
}

async function locateModel(client: HttpClient, model: ModelReference): Promise<ModelLocation> {
  if (model.by === 'id') {
    const path = `${API}/logged-models/${encodeURIComponent(model.modelId)}`;
    return { uri: readModel(await client.callJson({ method: 'GET', path })).artifactUri };
  }
  const { name } = model;
  const version = await findVersion(client, model);
  const answer = await client.callJson({
    method: 'GET',
    path: `${API}/model-versions/get-download-uri`,
    query: { name, version },
  });
  return { uri: String(answer.artifact_uri ?? ''), registered: { name, version } };
}

async function findVersion(
  client: HttpClient,
  model: Exclude<ModelReference, { by: 'id' }>,
): Promise<string> {
  switch (model.by) {
    case 'version':
      return model.version;
    case 'alias':
      return findAliasedVersion(client, model.name, model.alias);
    case 'stage':
      return findLatestVersion(client, model.name, model.stage);
    case 'latest':
      return findLatestVersion(client, model.name, undefined);
  }
}

async function findAliasedVersion(
  client: HttpClient,
  name: string,
  alias: string,
): Promise<string> {
  const answer = await client.callJson({
    method: 'GET',
    path: `${API}/registered-models/alias`,
    query: { name, alias },
  });
  return String((answer.model_version as JsonObject | undefined)?.version ?? '');
}

/** The server tells the latest version of each stage; the highest number of them is the latest. */
async function findLatestVersion(
  client: HttpClient,
  name: string,
  stage: string | undefined,
): Promise<string> {
  const answer = await client.callJson({
    method: 'POST',
    path: `${API}/registered-models/get-latest-versions`,
    json: stage === undefined ? { name } : { name, stages: [stage] },
    isIdempotent: true,
  });
  const versions = (answer.model_versions ?? []) as readonly JsonObject[];
  const latest = Math.max(...versions.map(({ version }) => Number(version)));
  if (Number.isFinite(latest)) return String(latest);
  const where = stage === undefined ? '' : ` in stage \`${stage}\``;
  throw new NotFound(`model \`${name}\` has no version${where}`);
}

/**
 * As MLflow looks (`RunsArtifactRepository._get_logged_model_artifact_repo`): among the models of that
 * name in the run's experiment, the one that this run made. Servers before MLflow 3 know no such models.
 */
async function findModelOfRun(
  client: HttpClient,
  runId: string,
  name: string,
): Promise<string | undefined> {
  const experimentId = await findExperiment(client, runId);
  const filter = `name = '${name.replaceAll("'", "\\'")}'`;
  for (let pageToken: string | undefined; ; ) {
    const page = await searchModels(client, { experimentId, filter, pageToken });
    const found = page.models.find((model) => model.runId === runId);
    if (found !== undefined) return found.artifactUri;
    if (page.next === undefined) return undefined;
    pageToken = page.next;
  }
}

async function findExperiment(client: HttpClient, runId: string): Promise<string> {
  const answer = await client.callJson({
    method: 'GET',
    path: `${API}/runs/get`,
    query: { run_id: runId },
  });
  const run = answer.run as { readonly info?: JsonObject } | undefined;
  return String(run?.info?.experiment_id ?? '');
}

interface ModelSearch {
  readonly experimentId: string;
  readonly filter: string;
  readonly pageToken: string | undefined;
}

interface LoggedModel {
  readonly artifactUri: string;
  readonly runId: string | undefined;
}

async function searchModels(
  client: HttpClient,
  { experimentId, filter, pageToken }: ModelSearch,
): Promise<{ readonly models: readonly LoggedModel[]; readonly next: string | undefined }> {
  try {
    const answer = await client.callJson({
      method: 'POST',
      path: `${API}/logged-models/search`,
      json: {
        experiment_ids: [experimentId],
        filter,
        ...(pageToken ? { page_token: pageToken } : {}),
      },
      isIdempotent: true,
    });
    const models = (answer.models ?? []) as readonly JsonObject[];
    return { models: models.map((model) => readModel({ model })), next: readToken(answer) };
  } catch (error) {
    const isUnknown =
      error instanceof MltsError &&
      ['RESOURCE_DOES_NOT_EXIST', 'INVALID_PARAMETER_VALUE'].includes(error.code);
    if (isUnknown) return { models: [], next: undefined };
    throw error;
  }
}

function readToken({ next_page_token: token }: JsonObject): string | undefined {
  return typeof token === 'string' && token !== '' ? token : undefined;
}

function readModel({ model }: JsonObject): LoggedModel {
  const { info = {} } = model as { readonly info?: JsonObject };
  const runId = info.source_run_id;
  return {
    artifactUri: String(info.artifact_uri ?? ''),
    runId: typeof runId === 'string' ? runId : undefined,
  };
}
