import { readTags } from '../shared-fields.ts';
import type { Access } from './access.ts';
import type { Action } from './permission.ts';
import { type Container, containerOf, hasPromptTag, isPrompt, type Places } from './places.ts';
import { need } from './requirement.ts';
import { type Rule, type Rules, type SentMessage, textOf } from './rule.ts';
import { mayLoggedModel, mayRun } from './tracking-rules.ts';

/** Who may do what with registered models and prompts, which share their API. */
export function listRegistryRules(places: Places): Rules {
  return {
    ...listModelRules(places),
    ...listAliasRules(places),
    ...listVersionRules(places),
    createModelVersion: (call, access) => mayCreateVersion(call.message, access, places),
  };
}

type ContainerCheck = (container: Container, access: Access) => Promise<boolean>;

/** What is not there is refused, so that nobody can try out names. */
function onContainer(places: Places, check: ContainerCheck): Rule {
  return async ({ message }, access) => {
    const container = await places.findContainer(textOf(message, 'name'));
    return container !== undefined && check(container, access);
  };
}

/** What is not there is treated as a model of this name would be. */
function onModel(places: Places, action: Action): Rule {
  return async ({ message }, access) => {
    const name = textOf(message, 'name');
    const { type } = (await places.findContainer(name)) ?? containerOf(name, []);
    return access.may(need(type, name, action));
  };
}

function listModelRules(places: Places): Rules {
  return {
    createRegisteredModel: ({ message }, access) => {
      const { type, id } = containerOf(textOf(message, 'name'), tagsOf(message));
      return access.may(need(type, id, 'notDenied'));
    },
    getRegisteredModel: onModel(places, 'read'),
    updateRegisteredModel: onModel(places, 'update'),
    renameRegisteredModel: onModel(places, 'update'),
    setRegisteredModelTag: onModel(places, 'update'),
    deleteRegisteredModelTag: onModel(places, 'update'),
    deleteRegisteredModel: onContainer(places, (own, access) =>
      access.may(need(own.type, own.id, 'delete'), need(own.version, '*', 'delete', own)),
    ),
    // What is found is filtered afterwards.
    searchRegisteredModels: () => true,
    searchModelVersions: ({ message }, access) =>
      !textOf(message, 'filter').includes('run_id') || access.may(need('run', '*', 'notDenied')),
  };
}

function listAliasRules(places: Places): Rules {
  const onAlias = (action: Action): Rule => {
    const mayChange = onModel(places, action);
    const maySeeVersions = onContainer(places, (own, access) =>
      access.may(need(own.version, '*', 'read', own)),
    );
    return async (call, access) => (await mayChange(call, access)) && maySeeVersions(call, access);
  };
  return {
    setRegisteredModelAlias: onAlias('update'),
    deleteRegisteredModelAlias: onAlias('delete'),
  };
}

function listVersionRules(places: Places): Rules {
  const toRead = onContainer(places, mayReadVersions);
  const toChange = (action: Action): Rule =>
    onContainer(places, (own, access) =>
      access.may(need(own.type, own.id, 'read'), need(own.version, '*', action, own)),
    );
  return {
    getLatestVersions: toRead,
    getModelVersion: toRead,
    getModelVersionByAlias: toRead,
    getModelVersionDownloadUri: toRead,
    updateModelVersion: toChange('update'),
    transitionModelVersionStage: toChange('update'),
    setModelVersionTag: toChange('update'),
    deleteModelVersion: toChange('delete'),
    deleteModelVersionTag: toChange('delete'),
  };
}

function mayReadVersions(own: Container, access: Access): Promise<boolean> {
  return access.may(need(own.type, own.id, 'read'), need(own.version, '*', 'notDenied'));
}

/** Also what it is made of must be readable: a version gives others access to its files. */
async function mayCreateVersion(
  message: SentMessage,
  access: Access,
  places: Places,
): Promise<boolean> {
  const own = await places.findContainer(textOf(message, 'name'));
  if (own === undefined) return false;
  const mayAdd = await access.may(
    need(own.type, own.id, 'update'),
    need(own.version, '*', 'notDenied'),
  );
  if (!mayAdd || !(await mayHaveTags(message, own, access))) return false;
  const source = readSource(textOf(message, 'source'));
  if (source.name !== undefined) return mayReadModel(source.name, access, places);
  const { run_id: runId, model_id: modelId } = message;
  if (runId !== undefined && !(await mayRun(places, access, String(runId), 'read'))) return false;
  const modelIds = [modelId, source.modelId].filter((id) => id !== undefined).map(String);
  for (const id of modelIds) {
    if (!(await mayLoggedModel(places, access, id, 'read'))) return false;
  }
  return true;
}

/** Tags may call it what its container is not: then it must not be taken away as that either. */
async function mayHaveTags(message: SentMessage, own: Container, access: Access): Promise<boolean> {
  const tags = tagsOf(message);
  if (!hasPromptTag(tags) || isPrompt(tags) === (own.type === 'prompt')) return true;
  return access.may(need(containerOf(own.id, tags).version, '*', 'notDenied'));
}

async function mayReadModel(name: string, access: Access, places: Places): Promise<boolean> {
  const source = await places.findContainer(name);
  return source !== undefined && access.may(need(source.type, source.id, 'read'));
}

interface VersionSource {
  /** A registered model: `models:/NAME/VERSION`, `models:/NAME@ALIAS`. */
  readonly name?: string;
  /** A logged model: `models:/m-ID`. */
  readonly modelId?: string;
}

function readSource(source: string): VersionSource {
  const [, path] = /^models:\/+(?:[^/@]+@[^/]+\/)?(.+)$/.exec(source) ?? [];
  if (path === undefined) return {};
  const [, name] = /^([^/]+?)(?:\/[^/]+|@[^/@]+)$/.exec(path) ?? [];
  return name === undefined ? { modelId: path } : { name };
}

function tagsOf(message: SentMessage) {
  return readTags(message.tags as Parameters<typeof readTags>[0]);
}
