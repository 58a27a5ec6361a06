import { PROMPT_TAG } from '../../registry/prompt-filter.ts';
import type { Answer } from '../endpoint.ts';
import type { Access } from './access.ts';
import type { ResourceType } from './permission.ts';

export type Json = Record<string, unknown>;

/** Who may see a thing may be kept from what made it: its id is left out then (`_withhold_denied_*`). */
type Redact = (answer: Json, denied: ReadonlySet<ResourceType>) => void;

const KINDS: readonly ResourceType[] = [
  'run',
  'logged_model',
  'registered_model_version',
  'prompt_version',
];

const BY_RPC: Readonly<Record<string, Redact>> = {
  getRun: ({ run }, denied) => redactRuns([run], denied),
  searchRuns: ({ runs }, denied) => redactRuns(runs, denied),
  getMetricHistory: ({ metrics }, denied) => redactMetrics(metrics, 'logged_model', denied),
  createLoggedModel: ({ model }, denied) => redactLoggedModels([model], denied),
  finalizeLoggedModel: ({ model }, denied) => redactLoggedModels([model], denied),
  getLoggedModel: ({ model }, denied) => redactLoggedModels([model], denied),
  setLoggedModelTags: ({ model }, denied) => redactLoggedModels([model], denied),
  searchLoggedModels: ({ models }, denied) => redactLoggedModels(models, denied),
  getModelVersion: ({ model_version: version }, denied) => redactVersions([version], denied),
  getModelVersionByAlias: ({ model_version: version }, denied) => redactVersions([version], denied),
  createModelVersion: ({ model_version: version }, denied) => redactVersions([version], denied),
  updateModelVersion: ({ model_version: version }, denied) => redactVersions([version], denied),
  transitionModelVersionStage: ({ model_version: version }, denied) =>
    redactVersions([version], denied),
  getLatestVersions: ({ model_versions: versions }, denied) => redactVersions(versions, denied),
  searchModelVersions: ({ model_versions: versions }, denied) => redactVersions(versions, denied),
  getRegisteredModel: ({ registered_model: model }, denied) => redactModels([model], denied),
  updateRegisteredModel: ({ registered_model: model }, denied) => redactModels([model], denied),
  renameRegisteredModel: ({ registered_model: model }, denied) => redactModels([model], denied),
  searchRegisteredModels: ({ registered_models: models }, denied) => redactModels(models, denied),
};

/** Takes out of an answer what the caller is denied; its message was made for this answer, and for nobody else. */
export async function redact(rpc: string, answer: Answer, access: Access): Promise<Answer> {
  const work = BY_RPC[rpc];
  if (work === undefined || !('message' in answer)) return answer;
  const denied = await access.listDenied(KINDS);
  if (denied.size > 0) work(answer.message as Json, denied);
  return answer;
}

function objects(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item) : [];
}

function clear(item: Json, ...names: readonly string[]): void {
  for (const name of names) delete item[name];
}

const object = (value: unknown): Json => objects([value])[0] ?? {};

function redactRuns(runs: unknown, denied: ReadonlySet<ResourceType>): void {
  if (!denied.has('logged_model')) return;
  for (const run of objects(runs)) {
    clear(object(run.inputs), 'model_inputs');
    clear(object(run.outputs), 'model_outputs');
    redactMetrics(object(run.data).metrics, 'logged_model', denied);
  }
}

function redactMetrics(
  metrics: unknown,
  kind: 'run' | 'logged_model',
  denied: ReadonlySet<ResourceType>,
): void {
  if (!denied.has(kind)) return;
  for (const metric of objects(metrics)) clear(metric, kind === 'run' ? 'run_id' : 'model_id');
}

function redactLoggedModels(models: unknown, denied: ReadonlySet<ResourceType>): void {
  if (!denied.has('run')) return;
  for (const model of objects(models)) {
    clear(object(model.info), 'source_run_id');
    redactMetrics(object(model.data).metrics, 'run', denied);
  }
}

function redactVersions(versions: unknown, denied: ReadonlySet<ResourceType>): void {
  for (const version of objects(versions)) {
    if (denied.has('run')) clear(version, 'run_id', 'run_link');
    if (denied.has('logged_model')) clear(version, 'model_id', 'model_params', 'model_metrics');
  }
}

function redactModels(models: unknown, denied: ReadonlySet<ResourceType>): void {
  for (const model of objects(models)) {
    const isPrompt = objects(model.tags).some(
      ({ key, value }) => key === PROMPT_TAG && String(value).toLowerCase() === 'true',
    );
    if (denied.has(isPrompt ? 'prompt_version' : 'registered_model_version')) {
      clear(model, 'latest_versions');
    }
    redactVersions(model.latest_versions, denied);
  }
}
