import { posix } from 'node:path';
import { unquoteFully } from '../../core/artifact-location.ts';
import type { Answer, Call } from '../endpoint.ts';
import type { Access } from './access.ts';
import type { Action, ResourceType } from './permission.ts';
import type { Places } from './places.ts';
import { need } from './requirement.ts';
import { readExperimentId } from './rule.ts';
import { mayLoggedModel, mayRun, withinExperiment } from './tracking-rules.ts';

const PROXY = /\/mlflow-artifacts\/(?:artifacts|mpu\/\w+|presigned)(?:\/(.*))?$/;
const ACTIONS: Readonly<Record<string, Action>> = {
  GET: 'read',
  HEAD: 'read',
  PUT: 'update',
  POST: 'update',
  DELETE: 'manage',
};

/** The folders beside those of runs in an experiment's artifacts. */
const FOLDERS: Readonly<Record<string, ResourceType>> = { models: 'logged_model', traces: 'trace' };
const RUN_ID = /^[0-9a-f]{32}$/;

/** Whether an address is about artifacts: what decides then is not the name of an rpc but the path in it. */
export function isArtifactCall({ request }: Call): boolean {
  return PROXY.test(request.path) || ARTIFACT_PAGE.test(request.path);
}

const ARTIFACT_PAGE =
  /\/(get-artifact|model-versions\/get-artifact|mlflow\/upload-artifact|mlflow\/artifacts\/[\w-]+|mlflow\/logged-models\/[^/]+\/artifacts\/\w+)$/;

/** Who may read and write artifacts: as the run, logged model or version that they belong to. */
export async function mayUseArtifacts(
  call: Call,
  access: Access,
  places: Places,
): Promise<boolean> {
  const { method, path } = call.request;
  if (PROXY.test(path)) {
    const action = ACTIONS[method];
    return action !== undefined && mayUsePath(readProxied(call), action, access);
  }
  return mayUsePage(call, access, places);
}

interface ProxiedPath {
  /** Undefined: it lies in no experiment. */
  readonly experimentId: string | undefined;
  /** What is below the experiment's folder. */
  readonly parts: readonly string[];
}

/** What a call to the proxy is about; undefined for what can be no path. */
function readProxied({ request: { path, query } }: Call): ProxiedPath | undefined {
  const [, quoted] = PROXY.exec(path) ?? [];
  const sent = quoted ? decode(quoted) : (new URLSearchParams(query).get('path') ?? '');
  const plain = sent === undefined ? undefined : unquoteWhole(sent);
  if (plain === undefined) return undefined;
  const [, experimentId, rest = ''] =
    /^\/*(?:workspaces\/[^/]+\/)?(\d+)(?:\/(.*))?$/s.exec(plain) ?? [];
  return { experimentId, parts: rest.split('/').filter((part) => part !== '') };
}

/** `EXPERIMENT/RUN/artifacts/...`, `EXPERIMENT/models/...`; what lies elsewhere is as the default says. */
function mayUsePath(
  proxied: ProxiedPath | undefined,
  action: Action,
  access: Access,
): boolean | Promise<boolean> {
  if (proxied === undefined) return false;
  const id = readExperimentId(proxied.experimentId ?? '');
  const types =
    proxied.experimentId === undefined ? [] : listTypes(proxied.parts, action === 'manage');
  if (types.length === 0) return access.may(need('experiment', id, action));
  const experiment = { type: 'experiment', id } as const;
  return access.may(
    need('experiment', id, 'read'),
    ...types.map((type) => need(type, '*', action, experiment)),
  );
}

/** A list of an experiment's folder names its runs: who may read none of them does not see their ids. */
export async function hideRuns(call: Call, answer: Answer, access: Access): Promise<Answer> {
  if (!('message' in answer) || !LISTING.test(call.request.path)) return answer;
  const { experimentId, parts = [] } = readProxied(call) ?? {};
  if (experimentId === undefined || parts.length > 0) return answer;
  const id = readExperimentId(experimentId);
  if (await access.may(...withinExperiment(id, 'run', 'read'))) return answer;
  const { files = [], ...rest } = answer.message as { files?: { path: string }[] };
  const kept = files.filter(({ path }) => !RUN_ID.test(path));
  return { message: { ...rest, ...(kept.length === 0 ? {} : { files: kept }) } };
}

const LISTING = /\/mlflow-artifacts\/artifacts$/;

/** A folder that is deleted takes all in it along. */
function listTypes(parts: readonly string[], isDeletion: boolean): readonly ResourceType[] {
  const [first, second] = parts;
  if (first === undefined) return isDeletion ? ['run', 'trace', 'logged_model'] : [];
  const folder = FOLDERS[first];
  if (folder !== undefined) return [folder];
  return second === 'artifacts' || RUN_ID.test(first) || isDeletion ? ['run'] : [];
}

async function mayUsePage(call: Call, access: Access, places: Places): Promise<boolean> {
  const { method, path, query } = call.request;
  const args = new URLSearchParams(query);
  const field = (name: string): string => {
    const sent = call.message[name];
    return typeof sent === 'string' && sent !== '' ? sent : (args.get(name) ?? '');
  };
  if (path.includes('/model-versions/')) return mayReadVersion(field('name'), access, places);
  const [, modelInPath] = /\/logged-models\/([^/]+)\//.exec(path) ?? [];
  const modelId = (modelInPath && decode(modelInPath)) || field('model_id');
  const action =
    method === 'GET' || method === 'HEAD' || path.includes('download') ? 'read' : 'update';
  if (modelId !== '') return mayLoggedModel(places, access, modelId, action);
  return mayRun(places, access, field('run_id') || field('run_uuid'), action);
}

async function mayReadVersion(name: string, access: Access, places: Places): Promise<boolean> {
  const own = await places.findContainer(name);
  if (own === undefined) return false;
  return access.may(
    need('registered_model', name, 'read'),
    need(own.type, own.id, 'read'),
    need(own.version, '*', 'notDenied', own),
  );
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** No fewer than the proxy takes. */
const MOST_LAYERS = 11;

/** As the proxy reads it: nobody hides an experiment behind `%2531`. What leaves its folder is no path. */
function unquoteWhole(sent: string): string | undefined {
  const path = unquoteFully(sent, MOST_LAYERS);
  if (path === undefined) return undefined;
  return path.split(/[/\\]/).includes('..') ? undefined : posix.normalize(path);
}
