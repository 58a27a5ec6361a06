import type { Param, Tag } from '../core/entities.ts';
import { InvalidInput, NotFound } from '../core/errors.ts';
import { lengthOf } from '../core/key.ts';

const LONGEST = { name: 500, key: 255 } as const;

const MODEL_ID = /^[a-zA-Z0-9][\w-]{0,255}$/;

/** Ids name folders in some stores: nothing but letters, digits, `_` and `-`. */
export function checkModelId(modelId: string): string {
  if (MODEL_ID.test(modelId)) return modelId;
  throw new InvalidInput(`\`${modelId}\` is no id of a logged model`, {
    hint: 'it looks like m-3f0c...: m- and 32 hex digits',
  });
}

/** For databases, where an odd id is just one that nobody has. @throws NotFound */
export function requireModelId(modelId: string): void {
  if (!MODEL_ID.test(modelId)) throw loggedModelNotFound(modelId);
}

/** @throws InvalidInput for what would not fit into a URI (`mlflow/utils/validation.py`). */
export function checkLoggedModelName(name: string): string {
  if (name === '' || /[/:.%"']/.test(name)) {
    throw new InvalidInput(`\`${name}\` cannot name a logged model`, {
      hint: 'leave out / : . % and quotes',
    });
  }
  checkLength('the name of a logged model', name, LONGEST.name);
  return name;
}

/** MLflow takes keys of any characters here; a key has to fit into its column. */
export function checkModelKeys(kind: 'param' | 'tag', values: readonly (Param | Tag)[]): void {
  for (const { key } of values) {
    if (key === '') throw new InvalidInput(`the name of a ${kind} is empty`);
    checkLength(`the ${kind} name \`${key}\``, key, LONGEST.key);
  }
}

function checkLength(what: string, text: string, limit: number): void {
  if (lengthOf(text) > limit) throw new InvalidInput(`${what} is longer than ${limit} characters`);
}

export function loggedModelNotFound(modelId: string): NotFound {
  return new NotFound(`there is no logged model with id ${modelId}`);
}

export function modelTagNotFound(modelId: string, key: string): NotFound {
  return new NotFound(`logged model ${modelId} has no tag \`${key}\``);
}
