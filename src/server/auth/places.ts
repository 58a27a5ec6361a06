import type { Tag } from '../../core/entities.ts';
import { NotFound } from '../../core/errors.ts';
import { PROMPT_TAG } from '../../registry/prompt-filter.ts';
import type { Services } from '../services.ts';
import type { ResourceType } from './permission.ts';

export interface Container {
  readonly type: 'registered_model' | 'prompt';
  readonly id: string;
  /** What its versions are. */
  readonly version: ResourceType;
}

/** Where a resource belongs: that decides who may do what with it. */
export interface Places {
  /** Undefined: there is no such run. */
  experimentOfRun(runId: string): Promise<string | undefined>;
  experimentOfModel(modelId: string): Promise<string | undefined>;
  /** A prompt is a registered model with a tag. Undefined: there is none of this name. */
  findContainer(name: string): Promise<Container | undefined>;
}

const MOST_REMEMBERED = 20_000;

/** Neither runs nor logged models move to another experiment: what was found once stays true. */
export function createPlaces({ tracking, registry }: Services): Places {
  const findRun = remember(
    async (runId: string) => (await tracking.getRun(runId)).info.experimentId,
  );
  const findModel = remember(
    async (modelId: string) => (await tracking.loggedModels.get(modelId)).experimentId,
  );
  return {
    experimentOfRun: findRun,
    experimentOfModel: findModel,
    findContainer: async (name) => {
      const found = await orUndefined(() => registry.getModel(name));
      return found && containerOf(name, found.tags);
    },
  };
}

export function containerOf(name: string, tags: readonly Tag[]): Container {
  return isPrompt(tags)
    ? { type: 'prompt', id: name, version: 'prompt_version' }
    : { type: 'registered_model', id: name, version: 'registered_model_version' };
}

/** Of several tags with the same key the last counts. */
export function isPrompt(tags: readonly Tag[]): boolean {
  return tags.findLast(({ key }) => key === PROMPT_TAG)?.value?.toLowerCase() === 'true';
}

export function hasPromptTag(tags: readonly Tag[]): boolean {
  return tags.some(({ key }) => key === PROMPT_TAG);
}

function remember(
  find: (id: string) => Promise<string>,
): (id: string) => Promise<string | undefined> {
  const known = new Map<string, string>();
  return async (id) => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const found = await orUndefined(() => find(id));
    if (found === undefined) return undefined;
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(id, found);
    return found;
  };
}

/** A store that cannot be asked is no "there is none". */
async function orUndefined<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
