import { posix } from 'node:path';
import type { Tag } from '../core/entities.ts';
import { InvalidInput, NotFound } from '../core/errors.ts';
import { checkKey, lengthOf } from '../core/key.ts';
import type { StageChange } from './store.ts';

/** What MLflow's registry takes (`mlflow/utils/validation.py`); lengths in characters. */
const LIMITS = { name: 256, tagValue: 100_000, alias: 255 } as const;

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

function checkLength(what: string, text: string, limit: number): void {
  if (lengthOf(text) > limit) throw new InvalidInput(`${what} is longer than ${limit} characters`);
}
