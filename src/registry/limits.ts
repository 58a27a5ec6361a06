import { posix } from 'node:path';
import type { Tag } from '../core/entities.ts';
import { AlreadyExists, InvalidInput, NotFound } from '../core/errors.ts';
import { checkKey, lengthOf } from '../core/key.ts';
import type { StageChange } from './store.ts';

/** What MLflow's registry takes (`mlflow/utils/validation.py`); lengths in characters. */
const LIMITS = { name: 256, tagValue: 100_000, alias: 255 } as const;

/** What one search of models may ask for (`SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD`). */
export const MOST_MODELS = 1_000;

/** As `MOST_MODELS`, of versions (`SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD`). */
export const MOST_VERSIONS = 200_000;

/** @throws InvalidInput for a name that is empty or would not fit into a `models:/` URI. */
export function checkModelName(name: string): string {
  if (name.trim() === '') throw new InvalidInput('the model name is empty');
  const isPlain = posix.normalize(name) === name && name !== '.' && !name.startsWith('..');
  if (/[/:]/.test(name) || !isPlain) {
    throw new InvalidInput(`\`${name}\` cannot name a model`, {
      hint: 'leave out `/` and `:`, and do not begin with `..`',
    });
  }
  checkLength('the model name', name, LIMITS.name);
  return name;
}

/**
 * As `checkModelName`, where the name is that of a folder too.
 *
 * @throws InvalidInput also for `%`, which MLflow's store of folders refuses, and for a zero character.
 */
export function checkFolderName(name: string): string {
  checkModelName(name);
  if (!/[%\0]/.test(name)) return name;
  throw new InvalidInput(`\`${name}\` cannot name a model in a store of folders`, {
    hint: 'leave out `%`',
  });
}

export function checkTag({ key, value }: Tag): void {
  checkLength(`tag \`${checkKey('tag', key)}\``, value, LIMITS.tagValue);
}

/** @throws InvalidInput for characters that MLflow refuses, and what means something else in a URI. */
export function checkNewAlias(alias: string): string {
  checkAlias(alias);
  if (!/^(latest|v\d+)$/i.test(alias)) return alias;
  throw new InvalidInput(`the alias \`${alias}\` is reserved`, {
    hint: '`latest` and `v` with a number mean versions already',
  });
}

export function checkAlias(alias: string): string {
  if (!/^[\p{L}\p{N}_-]+$/u.test(alias)) {
    throw new InvalidInput(`\`${alias}\` cannot be an alias`, {
      hint: 'use letters, digits, `_` and `-`',
    });
  }
  checkLength('the alias', alias, LIMITS.alias);
  return alias;
}

/** Only the stages that are in use hold versions to archive (`DEFAULT_STAGES_FOR_GET_LATEST_VERSIONS`). */
export function checkStageChange({ stage, archivesExisting }: StageChange): void {
  if (!archivesExisting || stage === 'Staging' || stage === 'Production') return;
  throw new InvalidInput(`versions cannot be archived on a move to ${stage}`, {
    hint: 'archive existing versions on a move to Staging or Production only',
  });
}

export function modelNotFound(name: string): NotFound {
  return new NotFound(`there is no registered model \`${name}\``, {
    hint: 'list what there is: mlts registered-models search',
  });
}

export function versionNotFound(name: string, version: number): NotFound {
  return new NotFound(`model \`${name}\` has no version ${version}`, {
    hint: `list what there is: mlts model-versions search --filter "name = '${name}'"`,
  });
}

/** For a `models:` URI that is neither a version nor a logged model that is there. */
export function sourceNotFound(source: string): InvalidInput {
  return new InvalidInput(`\`${source}\` names no model that can be registered`, {
    hint: 'write models:/NAME/VERSION, models:/m-ID, or the address of the folder',
  });
}

export function nameTaken(name: string, cause?: unknown): AlreadyExists {
  return new AlreadyExists(`there is a registered model \`${name}\` already`, {
    hint: 'choose another name, or give that one a new version: mlts model-versions create',
    cause,
  });
}

function checkLength(what: string, text: string, limit: number): void {
  if (lengthOf(text) > limit) throw new InvalidInput(`${what} is longer than ${limit} characters`);
}
