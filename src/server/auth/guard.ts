import { MltsError } from '../../core/errors.ts';
import type { Caller, HttpAnswer } from '../../http/server.ts';
import type { Guard } from '../app.ts';
import type { Answer, Call } from '../endpoint.ts';
import type { Services } from '../services.ts';
import { Access } from './access.ts';
import { hideRuns, isArtifactCall, mayUseArtifacts } from './artifact-rules.ts';
import type { GrantStore } from './grant-store.ts';
import type { Permission } from './permission.ts';
import { containerOf, createPlaces } from './places.ts';
import { type Json, redact } from './redaction.ts';
import { listRegistryRules } from './registry-rules.ts';
import { type Rules, textOf } from './rule.ts';
import { filterSearch } from './search-filter.ts';
import { listTrackingRules } from './tracking-rules.ts';

export interface GuardOptions {
  readonly services: Services;
  readonly grants: GrantStore;
  readonly defaultPermission: Permission;
  /** Of the API for users and roles. */
  readonly userRules: Rules;
}

/** What everybody may see who has logged in, some even before. */
const OPEN: Rules = {
  getServerInfo: () => true,
  'page /health': () => true,
  'page /version': () => true,
  'page /': () => true,
  'page /metrics': (_call, { caller }) => caller.isAdmin,
};

const NOBODY: Caller = { id: 0, name: '', isAdmin: false };

const FORBIDDEN: HttpAnswer = {
  status: 403,
  type: 'text/html; charset=utf-8',
  body: 'Permission denied',
};

/**
 * Lets a call pass that its caller may make, as `mlflow/server/auth/__init__.py` does. What no rule is known for is
 * refused.
 */
export function createGuard(options: GuardOptions): Guard {
  const { services, grants, defaultPermission, userRules } = options;
  const places = createPlaces(services);
  const rules: Rules = {
    ...OPEN,
    ...userRules,
    ...listTrackingRules(services, places),
    ...listRegistryRules(places),
  };
  return async (call, proceed) => {
    const caller = call.request.caller ?? NOBODY;
    const access = new Access(caller, grants, defaultPermission);
    if (caller.isAdmin) return follow(call, await proceed(), caller, grants);
    const rule = rules[call.rpc];
    const isAboutFiles = rule === undefined && isArtifactCall(call);
    const mayPass = isAboutFiles
      ? await mayUseArtifacts(call, access, places)
      : await rule?.(call, access);
    if (!mayPass) return FORBIDDEN;
    const answer = (await filterSearch(call, proceed, access)) ?? (await proceed());
    if (isAboutFiles) return hideRuns(call, answer, access);
    await follow(call, answer, caller, grants);
    return redact(call.rpc, answer, access);
  };
}

/** Who makes something manages it; what is renamed keeps its grants, what is gone loses them. */
async function follow(
  { rpc, message }: Call,
  answer: Answer,
  { id: userId }: Caller,
  grants: GrantStore,
): Promise<Answer> {
  if (!('message' in answer)) return answer;
  const name = textOf(message, 'name');
  if (rpc === 'createExperiment') {
    await grants.set(userId, 'experiment', textOf(answer.message, 'experiment_id'), 'MANAGE');
  } else if (rpc === 'createRegisteredModel') {
    const { tags = [] } = (answer.message.registered_model ?? {}) as Json;
    const made = containerOf(name, tags as { key: string; value: string }[]);
    await grants.set(userId, made.type, name, 'MANAGE');
  } else if (rpc === 'renameRegisteredModel') {
    const newName = textOf(message, 'new_name');
    await grants.rename('registered_model', name, newName);
    await grants.rename('prompt', name, newName);
  } else if (rpc === 'deleteRegisteredModel') {
    await grants.forget('registered_model', name);
    await grants.forget('prompt', name);
  }
  return answer;
}

/** What the routes for users know of who asks. @throws MltsError where nobody has logged in. */
export function callerOf({ caller }: Call['request']): Caller {
  if (caller !== undefined) return caller;
  throw new MltsError('UNAUTHENTICATED', 'nobody has logged in');
}
