import type { Call } from '../endpoint.ts';
import type { Access } from './access.ts';
import type { Action, ResourceType } from './permission.ts';
import type { Places } from './places.ts';
import { need } from './requirement.ts';
import { readExperimentId } from './rule.ts';
import { mayLoggedModel, mayRun } from './tracking-rules.ts';

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
  /\/(get-artifact|model-versions\/get-artifact|mlflow\/upload-artifact|mlflow\/artifacts\/list|mlflow\/artifacts\/create-presigned-\w+|mlflow\/(?:create-)?presigned-\w+|mlflow\/logged-models\/[^/]+\/artifacts\/\w+)$/;

/** Who may read and write artifacts: as the run, logged model or version that they belong to. */
export async function mayUseArtifacts(
  call: Call,
  access: Access,
  places: Places,
): Promise<boolean> {
  const { method, path, query } = call.request;
  const proxied = PROXY.exec(path);
  if (proxied !== null) {
    const inPath = proxied[1] === undefined ? '' : decode(proxied[1]);
    const wanted = inPath || (new URLSearchParams(query).get('path') ?? '');
    const action = ACTIONS[method];
    return action !== undefined && mayUsePath(wanted, action, access);
  }
  return mayUsePage(call, access, places);
}

/** `EXPERIMENT/RUN/artifacts/...`, `EXPERIMENT/models/...`; what lies elsewhere is as the default says. */
function mayUsePath(wanted: string | undefined, action: Action, access: Access): Promise<boolean> {
  const path = wanted === undefined ? undefined : decodeWhole(wanted);
  if (path === undefined) return Promise.resolve(false);
  const [, experimentId, rest = ''] =
    /^\/*(?:workspaces\/[^/]+\/)?(\d+)(?:\/(.*))?$/s.exec(path) ?? [];
  if (experimentId === undefined) return access.may(need('experiment', '', action));
  const id = readExperimentId(experimentId);
  const parts = rest.split('/').filter((part) => part !== '');
  const types = listTypes(parts, action === 'manage');
  if (types.length === 0) return access.may(need('experiment', id, action));
  const experiment = { type: 'experiment', id } as const;
  return access.may(
    need('experiment', id, 'read'),
    ...types.map((type) => need(type, '*', action, experiment)),
  );
}

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

const MOST_DECODED = 10;

/** Nobody hides an experiment behind `%2531`; a path that leaves its folder is no path. */
function decodeWhole(text: string): string | undefined {
  let path: string | undefined = text;
  for (let count = 0; count < MOST_DECODED; count += 1) {
    const next: string | undefined = path === undefined ? undefined : decode(path);
    if (next === path || next === undefined) break;
    path = next;
  }
  const parts = path?.split(/[/\\]/) ?? ['..'];
  return parts.includes('..') || parts.includes('.') ? undefined : path?.replace(/\/{2,}/g, '/');
}
